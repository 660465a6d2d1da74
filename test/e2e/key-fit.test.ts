import assert from 'node:assert/strict'
import { createCipheriv, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { expectFailure } from './expect.ts'
import { startReadyLab } from './lab.ts'

/** A ZITADEL-shaped app whose masterkey is a file of the host, as its operator lives it. */
const MASTERKEY = 'MasterkeyNeedsToHave32Characters'
const STAGING = 'StagingKeyNeedsToHave32Character'

const lab = await startReadyLab()
const secrets = join(lab.folder, 'secrets')
const masterkeyFile = join(secrets, 'masterkey')
await mkdir(secrets, { mode: 0o700 })
await setMasterkey(MASTERKEY)
await lab.edit((config) => {
  const app = config.apps['portal'] as Record<string, unknown> & { components: Record<string, unknown> }
  delete app.components['files']
  app.components['keys'] = { kind: 'secrets', secrets: { masterkey: { file: masterkeyFile } } }
  app['keyFit'] = [
    { kind: 'recipe', recipe: 'zitadel', keys: { masterkey: { component: 'keys', secret: 'masterkey' } } },
  ]
})
await lab.sql(`create schema system; create schema eventstore; create schema projections;
  create table system.encryption_keys (id text primary key, key text not null);
  create table eventstore.events2 (aggregate_id text primary key, event_type text, payload jsonb);
  create table projections.web_keys1 (key_id text primary key, private_key jsonb, public_key jsonb)`)
await fillUnder(MASTERKEY)

function setMasterkey(text: string): Promise<void> {
  return writeFile(masterkeyFile, text, { mode: 0o600 })
}

function cfb(key: Buffer, plain: Buffer): Buffer {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cfb', key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

/** Rows as ZITADEL writes them: a data key under the masterkey, and a web key under the data key. */
async function fillUnder(masterkey: string, id = 'oidcKey'): Promise<void> {
  const dataKey = randomBytes(32)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const sealed = cfb(dataKey, Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' })))).toString('base64')
  const wrapped = cfb(Buffer.from(masterkey), dataKey).toString('base64url')
  const padded = wrapped.padEnd(Math.ceil(wrapped.length / 4) * 4, '=')
  const hidden = JSON.stringify({ CryptoType: 0, Algorithm: 'aes', KeyID: id, Crypted: sealed })
  const open = JSON.stringify(publicKey.export({ format: 'jwk' }))
  await lab.sql(`delete from system.encryption_keys where id = '${id}'; delete from eventstore.events2 where aggregate_id = '${id}';
    insert into system.encryption_keys values ('${id}', '${padded}');
    insert into eventstore.events2 values ('${id}', 'web_key.added', jsonb_build_object('privateKey', '${hidden}'::jsonb, 'publicKey', '${open}'::jsonb))`)
}

interface Reported {
  readonly report: {
    readonly point: string
    readonly outcome: string
    readonly ok: boolean
    readonly keyFit: readonly KeyFitResult[]
    readonly findings: readonly { readonly subject: string; readonly message: string }[]
  }
}

const backUp = (code = 0): Promise<Reported> => lab.json<Reported>(['backup', 'portal'], code)
const verdictsOf = ({ report }: Reported): readonly string[] => report.keyFit.map(({ verdict }) => verdict)

test('the key of the same moment fits: at backup, in the drill, and before the swap', async () => {
  const made = await backUp()
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['done', ['fits']], JSON.stringify(made.report))
  assert.deepEqual(verdictsOf(await lab.json<Reported>(['drill', 'portal'])), ['fits'])
  const restored = await lab.json<Reported>(['restore', 'portal', '--yes', '--no-safety-point'])
  assert.deepEqual([restored.report.outcome, verdictsOf(restored)], ['done', ['fits']])
  assert.equal(await readFile(masterkeyFile, 'utf8'), MASTERKEY)
})
