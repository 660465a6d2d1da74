import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { test } from 'node:test'
import { atTerminal } from '../parts/terminal.ts'
import { backUp, changesNothing, listed, pointIds, restoreWhole } from './expect.ts'
import { launcher } from './holdfast.ts'
import { startReadyLab } from './lab.ts'
import { readLive } from './live.ts'
import { addBigTable } from './watch.ts'

/** Output that nobody takes: a pipe whose reader has gone, a terminal that hung up, a file on a full disk. */
const lab = await startReadyLab()
await addBigTable(lab)
const point = await backUp(lab)
const original = await readLive(lab)

/** Runs with nobody behind standard output and standard error. */
async function unheard(...args: readonly string[]): Promise<number | null> {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: lab.folder, ...lab.environment }
  const child = spawn(launcher, args, { cwd: lab.folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  child.stderr.destroy()
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

test('a backup that nobody listens to is made all the same', { timeout: 200_000 }, async () => {
  const before = await pointIds(lab)
  assert.equal(await unheard('backup'), 0)
  const { points } = await listed(lab)
  assert.equal(points.length, before.length + 1)
  assert.equal(points.at(-1)?.truth, 'read back')
})

test('a restore that nobody listens to is swapped in all the same', { timeout: 200_000 }, async () => {
  await lab.sql('delete from sessions')
  assert.equal(await unheard('restore', '--at', point, '--yes', '--no-safety-point'), 0)
  const { database, files } = await readLive(lab)
  assert.deepEqual({ database, files }, { database: original.database, files: original.files })
})

test('a command that only tells ends well when its reader has heard enough', async () => {
  assert.equal(await unheard('points'), 0)
  assert.equal(await unheard('help'), 0)
})

test('a result that a full disk does not take is missed', async () => {
  const full = await open('/dev/full', 'w')
  const environment = { PATH: process.env['PATH'] ?? '', HOME: lab.folder, ...lab.environment }
  const child = spawn(launcher, ['points', '--json'], {
    cwd: lab.folder,
    env: environment,
    stdio: ['ignore', full.fd, 'pipe'],
  })
  let error = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (error += text))
  const [code] = (await once(child, 'close')) as [number | null]
  await full.close()
  assert.equal(code, 21, error)
  assert.match(error, /^holdfast: standard output is not complete: .*no space left/m)
})

test(
  'a terminal that hangs up during the load of a restore cancels it and leaves nothing',
  { timeout: 200_000 },
  async () => {
    await lab.sql('delete from sessions')
    await changesNothing(lab, async () => {
      const restore = ['restore', '--at', point, '--yes', '--no-safety-point']
      const ended = await atTerminal(
        lab.folder,
        restore,
        [{ prompt: 'load: database rows', hangUp: true }],
        lab.environment,
      )
      assert.equal(ended.code, 130, ended.plain)
      assert.equal(ended.untyped, 0, 'it was over before')
    })
    await restoreWhole(lab, point)
  },
)
