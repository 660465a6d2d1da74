import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Secret } from '../../src/core/secret.ts'
import { startPrivate } from '../parts/postgres.ts'
import { startReadyLab } from './lab.ts'

/** A server that something else restored or made anew, with real servers. */
interface Backup {
  readonly report: { readonly alarms: readonly string[]; readonly point: string }
}

const lab = await startReadyLab()
const alarmsOf = async (code: number, ...args: readonly string[]): Promise<string> =>
  (await lab.json<Backup>(['backup', ...args], code)).report.alarms.join()

const server = lab.postgres.process
assert.ok(server !== undefined)
const data = join(server.folder, 'data')

/** With its owner, who runs the server. */
const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to])

test('our own restores and undo raise nothing; a server put back to an earlier copy does, until it is accepted', async () => {
  assert.equal(await alarmsOf(0), '')
  for (const args of [
    ['restore', '--yes'],
    ['undo', '--yes'],
    ['restore', '--yes', '--target', 'in-place'],
  ]) {
    assert.equal((await lab.run(...args)).code, 0, args.join(' '))
    assert.equal(await alarmsOf(0), '', args.join(' '))
  }
  await server.stop()
  await copy(data, `${data}.early`)
  await server.restart()
  await lab.sql("insert into job_history (what) select repeat('x', 1000) from generate_series(1, 2000)")
  const { report } = await lab.json<Backup>(['backup'])
  await server.stop()
  await rm(data, { recursive: true })
  await copy(`${data}.early`, data)
  await server.restart()
  assert.match(
    await alarmsOf(13),
    /^restored or made anew by something else between .*: component database, its log was at/,
  )
  const { out } = await lab.run('prune', '--dry-run')
  assert.doesNotMatch(out, /the last point before it/, 'without a policy there is nothing to freeze')
  const status = await lab.run('status')
  assert.equal(status.code, 13, status.out)
  assert.match(status.out, /AT RISK.*restored or made anew.*--accept went-back/)
  assert.match((await lab.run('points')).out, /restored or made anew by something else/)
  assert.ok(report.point.length === 32)
  assert.equal(await alarmsOf(0, '--accept', 'went-back'), '')
  assert.equal((await lab.run('status')).code, 3)
})

test('another server is an alarm, unless Holdfast itself restored into it', async () => {
  const other = await startPrivate()
  await other.createDatabase('portal')
  const { server: at } = other
  await lab.edit((config) => {
    const { database } = config.apps['portal']!.components
    Object.assign(database!, { host: at.host, port: at.port, user: at.user, password: 'env:OTHER_PASSWORD' })
  })
  const environment = { OTHER_PASSWORD: at.password instanceof Secret ? at.password.reveal() : '' }
  const restored = await lab.runWith(environment, 'restore', '--yes')
  assert.equal(restored.code, 0, restored.error)
  const good = await lab.runWith(environment, 'backup')
  assert.equal(good.code, 0, good.out)
  const back = await startPrivate()
  await back.createDatabase('portal')
  await lab.edit((config) => {
    const { database } = config.apps['portal']!.components
    Object.assign(database!, { host: back.server.host, port: back.server.port, user: back.server.user })
  })
  const password = back.server.password instanceof Secret ? back.server.password.reveal() : ''
  const alarmed = await lab.runWith({ OTHER_PASSWORD: password }, 'backup')
  assert.equal(alarmed.code, 13, alarmed.out)
  assert.match(alarmed.out, /it is another server/)
})
