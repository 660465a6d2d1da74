import assert from 'node:assert/strict'
import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { startReadyLab } from './lab.ts'

/** An app whose database is encrypted under a key that OpenBao holds. */
const KEY = 'a passphrase of certctl, 32 bytes or more'
const NAME = 'secret/certctl/server#config-key'
const bao = await startOpenbao()
await bao.must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
await setKey(KEY)
const lab = await startReadyLab()
await lab.edit((config) => {
  const app = config.apps['portal'] as Record<string, unknown> & { components: Record<string, unknown> }
  delete app.components['files']
  app.components['bao'] = {
    kind: 'openbao',
    address: bao.server.address,
    token: bao.server.rootToken.reveal(),
    serverProgram: bao.program,
    snapshot: 'off',
  }
  app['keyFit'] = [{ kind: 'recipe', recipe: 'certctl', keys: { configKey: { component: 'bao', secret: NAME } } }]
})
await lab.sql(`create table issuers (id text primary key, encrypted_config bytea);
  insert into issuers values ('a', '\\x${sealed(KEY).toString('hex')}')`)

async function setKey(key: string): Promise<void> {
  await bao.must('POST', 'secret/data/certctl/server', { data: { 'config-key': key, other: 1 } })
}

function sealed(passphrase: string): Buffer {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', pbkdf2Sync(passphrase, salt, 100_000, 32, 'sha256'), nonce)
  const text = Buffer.concat([cipher.update('{}'), cipher.final()])
  return Buffer.concat([Buffer.from([2]), salt, nonce, text, cipher.getAuthTag()])
}

interface Reported {
  readonly report: { readonly point: string; readonly outcome: string; readonly keyFit: readonly KeyFitResult[] }
}
const verdicts = ({ report }: Reported): readonly string[] => report.keyFit.map(({ verdict }) => verdict)

test('the key that OpenBao has fits, at backup and in the drill, and is shown as a fingerprint', async () => {
  const made = await lab.json<Reported>(['backup', 'portal'])
  assert.deepEqual([made.report.outcome, verdicts(made)], ['done', ['fits']], JSON.stringify(made.report))
  assert.deepEqual(verdicts(await lab.json<Reported>(['drill', 'portal'])), ['fits'])
  const { out } = await lab.run('show', 'latest')
  const fingerprint = made.report.keyFit[0]?.keys[0]?.fingerprint ?? 'none'
  assert.match(fingerprint, /^[0-9a-f]{16}$/)
  assert.ok(out.includes(fingerprint) && out.includes(NAME) && !out.includes(KEY), out)
})

test('a key that was rotated in OpenBao makes the point incomplete and stops its restore; the older one is restored', async () => {
  const { report: good } = await lab.json<Reported>(['backup', 'portal'])
  await setKey('another passphrase of certctl, 32 bytes or more')
  const made = await lab.json<Reported>(['backup', 'portal'], 3)
  assert.deepEqual([made.report.outcome, verdicts(made)], ['incomplete', ['does-not-fit']])
  const restore = (point: string): string[] => ['restore', 'portal', '--at', point, '--yes', '--no-safety-point']
  const stopped = await lab.json<{ report: { outcome: string; failure: { message: string } } }>(
    restore(made.report.point),
    13,
  )
  assert.match(stopped.report.failure.message, /key configKey .* does not open the restored data/)
  const restored = await lab.json<Reported>(restore(good.point))
  assert.deepEqual([restored.report.outcome, verdicts(restored)], ['done', ['fits']])
  const { data } = (await bao.must('GET', 'secret/data/certctl/server')) as { data: { data: { 'config-key': string } } }
  assert.equal(data.data['config-key'], KEY)
})
