import assert from 'node:assert/strict'
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { readRows } from '../../src/components/postgres/evidence.ts'
import type { EvidenceRow } from '../../src/components/evidence.ts'
import { worldOf } from '../../src/key-fit/testing/evidence-sources.ts'
import { evaluateKeyFit } from '../../src/key-fit/evaluate.ts'
import { recipe } from '../../src/key-fit/testing/evidence-sources.ts'
import { declared, keyFitSetting } from '../../src/profiles/use-recipe.ts'
import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { certctlValue } from '../parts/certctl-value.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** The statements of the recipes, on a real server with tables as the apps have them. */
const postgres = await startPostgres()

async function prove(setting: unknown, database: string, secrets: Record<string, string>): Promise<KeyFitResult> {
  const world = {
    ...worldOf({ secrets }),
    rows: (_component: string, query: { readonly sql: string; readonly limit: number }): AsyncIterable<EvidenceRow> =>
      readRows({ server: postgres.server, database }, query, testContext()),
  }
  return await evaluateKeyFit(declared(keyFitSetting.parse(setting)), world)
}

test('certctl: rows of issuers and targets, and tables that this version does not have', async () => {
  await postgres.createDatabase('certctl')
  await postgres.sql(
    'certctl',
    `create table public.issuers (id text primary key, config jsonb, encrypted_config bytea);
     create table public.deployment_targets (id text primary key, encrypted_config bytea)`,
  )
  const insert = (table: string, id: string, sealed: Buffer | null): Promise<unknown> =>
    postgres.sql('certctl', `insert into public.${table} (id, encrypted_config) values ($1, $2)`, [id, sealed])
  for (const id of ['a', 'b', 'c']) await insert('issuers', id, certctlValue('right', '{}'))
  await insert('issuers', 'plain', null)
  await insert('issuers', 'empty', Buffer.alloc(0))
  await insert('deployment_targets', 't', certctlValue('right', '[1]'))
  const setting = recipe('certctl', 'configKey')
  const { verdict, evidence } = await prove(setting, 'certctl', { configKey: 'right' })
  assert.equal(verdict, 'fits', evidence.join('\n'))
  assert.match(evidence.join('\n'), /issuers opens, v2: 3 fit/)
  assert.match(
    evidence.join('\n'),
    /oidc_providers opens: cannot be looked at: .*relation "oidc_providers" does not exist/,
  )
  assert.equal((await prove(setting, 'certctl', { configKey: 'wrong' })).verdict, 'does-not-fit')
  await insert('deployment_targets', 'staging', certctlValue('staging', '{}'))
  assert.equal((await prove(setting, 'certctl', { configKey: 'right' })).verdict, 'mixed')
})

test('authentik: the installation id, and a cached link', async () => {
  const key = 'a secret key'
  await postgres.createDatabase('authentik')
  await postgres.sql(
    'authentik',
    `create table public.authentik_install_id (id text); insert into public.authentik_install_id values (gen_random_uuid()::text);
     create table public.django_postgres_cache_cacheentry (cache_key text primary key, value text, expires timestamptz)`,
  )
  const setting = recipe('authentik', 'secretKey')
  assert.equal((await prove(setting, 'authentik', { secretKey: key })).verdict, 'not-provable')
  const signingKey = createHash('sha256').update(`${key}:media`).digest('hex')
  const [head, body] = ['{"alg":"HS256"}', '{"path":"x"}'].map((text) => Buffer.from(text).toString('base64url'))
  const signature = createHmac('sha256', signingKey).update(`${head}.${body}`).digest('base64url')
  const value = Buffer.from(`\x80\x05/files/x?token=${head}.${body}.${signature}.`, 'latin1').toString('base64')
  await postgres.sql('authentik', 'insert into public.django_postgres_cache_cacheentry values ($1, $2, now())', [
    ':1:goauthentik.io/admin/files/file/media/x',
    value,
  ])
  assert.equal((await prove(setting, 'authentik', { secretKey: key })).verdict, 'fits')
  assert.equal((await prove(setting, 'authentik', { secretKey: 'another' })).verdict, 'does-not-fit')
})

test('a statement reads and does nothing else, and rows come as the server writes them', async () => {
  await postgres.createDatabase('evidence')
  await postgres.sql('evidence', 'create table public.t (a int, b bytea, c jsonb)')
  await postgres.sql('evidence', 'insert into public.t select n, $1, $2 from generate_series(1, 1200) n', [
    Buffer.from('ff00', 'hex'),
    '{"a": 9007199254740993}',
  ])
  const read = async (sql: string, limit = 10_000): Promise<EvidenceRow[]> => {
    const rows: EvidenceRow[] = []
    const query = { sql, limit }
    for await (const row of readRows({ server: postgres.server, database: 'evidence' }, query, testContext()))
      rows.push(row)
    return rows
  }
  const rows = await read('select * from t order by a')
  assert.deepEqual([rows.length, rows[0]], [1200, { a: '1', b: '\\xff00', c: '{"a": 9007199254740993}' }])
  assert.equal((await read('select * from t', 501)).length, 501)
  for (const sql of ['select 1; drop table t', 'delete from t returning a', 'select 1; commit; drop table t'])
    await assert.rejects(read(sql), { kind: 'toolFailed' }, sql)
  assert.equal((await read('select a from t')).length, 1200)
})

test('zitadel: secrets of providers are found wherever they are in their events', async () => {
  const [masterkey, dataKey] = ['MasterkeyNeedsToHave32Characters', randomBytes(32)]
  const cfb = (key: Buffer, plain: Buffer): Buffer => {
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cfb', key, iv)
    return Buffer.concat([iv, cipher.update(plain), cipher.final()])
  }
  const value = { CryptoType: 0, KeyID: 'idp', Crypted: cfb(dataKey, Buffer.from('a secret')).toString('base64') }
  await postgres.createDatabase('zitadel')
  await postgres.sql(
    'zitadel',
    `create schema system; create schema eventstore; create table system.encryption_keys (id text, key text);
     create table eventstore.events2 (event_type text, payload jsonb)`,
  )
  const wrapped = cfb(Buffer.from(masterkey), dataKey).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  await postgres.sql('zitadel', 'insert into system.encryption_keys values ($1, $2)', ['idp', wrapped])
  const payload = JSON.stringify({ oidc: [{ clientSecret: value, hashed: { ...value, CryptoType: 1 } }] })
  await postgres.sql('zitadel', 'insert into eventstore.events2 values ($1, $2)', ['org.idp.added', payload])
  const { verdict, evidence } = await prove(recipe('zitadel', 'masterkey'), 'zitadel', { masterkey })
  assert.equal(verdict, 'not-provable', evidence.join('\n'))
  assert.match(evidence.join('\n'), /identity providers are text, idp: 1 look right, which proves nothing/)
})
