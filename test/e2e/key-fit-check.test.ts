import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { certctlValue } from '../parts/certctl-value.ts'
import { KEY, OTHER_KEY, startCertctlLab } from './certctl-lab.ts'

/** What check says of keys, files and places on a real server, before anything goes wrong. */
interface Check {
  readonly apps: readonly { readonly findings: readonly Finding[] }[]
  readonly repositories: readonly { readonly findings: readonly Finding[] }[]
}
interface Finding {
  readonly level: string
  readonly subject: string
  readonly message: string
  readonly hint?: string
}

const lab = await startCertctlLab({ kind: 'secrets', secrets: { config: { file: '/not/yet' } } }, 'config')
const folder = join(lab.folder, 'secrets')
const file = join(folder, 'config')
await mkdir(folder, { mode: 0o700 })
const setKey = (key: string): Promise<void> => writeFile(file, key, { mode: 0o600 })
await setKey(KEY)
await lab.edit((config) => {
  config.apps['portal']!.components['keys'] = { kind: 'secrets', secrets: { config: { file } } }
})

async function said(code: number): Promise<{ readonly fit: readonly Finding[]; readonly all: readonly Finding[] }> {
  const { apps, repositories } = await lab.json<Check>(['check'], code)
  const all = [...apps, ...repositories].flatMap(({ findings }) => findings)
  return { fit: all.filter(({ subject }) => subject === 'key fit certctl'), all }
}

test('check proves the live key, names what is wrong and where the right one is, and what no component holds', async () => {
  const good = await said(0)
  assert.deepEqual(
    good.fit.map(({ level }) => level),
    ['ok'],
  )
  assert.ok(good.all.some(({ level, message }) => level === 'warning' && /lost together/.test(message)))
  const made = await lab.json<{ report: { point: string } }>(['backup'])
  assert.ok((await said(0)).all.some(({ subject, level }) => subject === 'private key' && level === 'ok'))
  await setKey(OTHER_KEY)
  const wrong = await said(13)
  assert.equal(wrong.fit[0]?.level, 'error')
  assert.match(
    wrong.fit[0]?.hint ?? '',
    new RegExp(`key on this host is wrong, and the one in restore point ${made.report.point} is right`),
  )
  await setKey(KEY)
  const value = certctlValue(KEY, '{"ca_key_path":"/etc/certctl/ca.key"}').toString('hex')
  await lab.sql(`insert into issuers values ('b', '\\x${value}')`)
  const named = await said(0)
  assert.match(
    named.fit.map(({ message }) => message).join(),
    /names \/etc\/certctl\/ca\.key, which is in no component/,
  )
  const backup = await lab.run('backup')
  assert.match(backup.out, /names \/etc\/certctl\/ca\.key, which is in no component/)
  const status = await lab.run('status')
  assert.equal(status.code, 3, status.out)
  assert.match(
    status.out,
    /^portal {2}UNPROVEN +no point was ever drilled; WARNING component .* lost together -> Run holdfast drill portal\.\n$/,
  )
})
