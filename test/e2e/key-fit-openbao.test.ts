import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOpenbao } from '../parts/openbao.ts'
import { KEY, OTHER_KEY, startCertctlLab, verdictsOf, type Reported } from './certctl-lab.ts'

const NAME = 'secret/certctl/server#config-key'
const bao = await startOpenbao()
await bao.must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
await setKey(KEY)
const { address, rootToken } = bao.server
const login = { token: rootToken.reveal(), serverProgram: bao.program }
const lab = await startCertctlLab({ kind: 'openbao', address, ...login, snapshot: 'off' }, NAME)

async function setKey(key: string): Promise<void> {
  await bao.must('POST', 'secret/data/certctl/server', { data: { 'config-key': key, other: 1 } })
}

test('the key that OpenBao has fits, at backup and in the drill, and is shown as a fingerprint', async () => {
  const made = await lab.json<Reported>(['backup', 'portal'])
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['done', ['fits']], JSON.stringify(made.report))
  assert.deepEqual(verdictsOf(await lab.json<Reported>(['drill', 'portal'])), ['fits'])
  const { out } = await lab.run('show', 'latest')
  const fingerprint = made.report.keyFit[0]?.keys[0]?.fingerprint ?? 'none'
  assert.match(fingerprint, /^[0-9a-f]{16}$/)
  assert.ok(out.includes(fingerprint) && out.includes(NAME) && !out.includes(KEY), out)
})

test('a key that was rotated in OpenBao makes the point incomplete and stops its restore; the older one is restored', async () => {
  const { report: good } = await lab.json<Reported>(['backup', 'portal'])
  await setKey(OTHER_KEY)
  const made = await lab.json<Reported>(['backup', 'portal'], 3)
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['incomplete', ['does-not-fit']])
  const restore = (point: string): string[] => ['restore', 'portal', '--at', point, '--yes', '--no-safety-point']
  const stopped = await lab.json<{ report: { outcome: string; failure: { message: string } } }>(
    restore(made.report.point),
    13,
  )
  assert.match(stopped.report.failure.message, /key configKey .* does not open the restored data/)
  const restored = await lab.json<Reported>(restore(good.point))
  assert.deepEqual([restored.report.outcome, verdictsOf(restored)], ['done', ['fits']])
  const { data } = (await bao.must('GET', 'secret/data/certctl/server')) as { data: { data: { 'config-key': string } } }
  assert.equal(data.data['config-key'], KEY)
})
