import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, test } from 'node:test'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { runTool, streamTool } from '../../src/components/postgres/tools/tool-run.ts'
import type { ToolCall } from '../../src/components/postgres/tools/tool-run.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import type { Bytes } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { startPostgres, testContext } from '../../test/parts/postgres.ts'
import { fillIdentityProvider } from './dataset.ts'
import type { DatasetOptions } from './dataset.ts'

// These tests need a real PostgreSQL server, as the dataset is made by one.

const MEGABYTES = 5
const roles = { owner: 'idp_owner', reader: 'idp "reader"' }
const context = testContext()

/** As pg_dump names them. */
const KINDS =
  `SCHEMA, EXTENSION, TYPE, DOMAIN, FUNCTION, TABLE, TABLE ATTACH, TABLE DATA, SEQUENCE, SEQUENCE OWNED BY, SEQUENCE SET,
  DEFAULT, BLOBS, CONSTRAINT, FK CONSTRAINT, INDEX, INDEX ATTACH, TRIGGER, POLICY, ROW SECURITY, VIEW, MATERIALIZED VIEW,
  MATERIALIZED VIEW DATA, STATISTICS, COMMENT, ACL, DEFAULT ACL`.split(/,\s+/)

const postgres = await startPostgres()
before(() => fill('demo', 7))

async function fill(database: string, seed: number): Promise<void> {
  await postgres.createDatabase(database, 'template template0')
  await fillExisting(database, { megabytes: MEGABYTES, seed, roles })
}

function fillExisting(database: string, options: DatasetOptions, signal?: AbortSignal): Promise<void> {
  return withSession(postgres.server, database, context, (client) => fillIdentityProvider(client, options, signal))
}

async function toolCall(program: ToolCall['program'], database: string, args: readonly string[]): Promise<ToolCall> {
  const [row] = await postgres.sql('postgres', 'show server_version_num')
  const tools = await chooseTools(Number(row?.['server_version_num']), {}, context)
  return { tools, program, args, server: postgres.server, database, limits: { idleLimit: 60_000, totalLimit: 120_000 } }
}

/** A plain dump, without the random word that newer versions of pg_dump put into it. */
async function plainDump(database: string): Promise<string> {
  const { stdout } = await runTool(await toolCall('pg_dump', database, []), context)
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

test('a plain dump has the size that was asked for, within 15 %', async () => {
  const size = Buffer.byteLength(await plainDump('demo'))
  assert.ok(Math.abs(size / (MEGABYTES * 1e6) - 1) < 0.15, `${size} bytes`)
})

test('the same seed gives the same dump and another seed other rows in every large table', async () => {
  const first = await plainDump('demo')
  await fill('again', 7)
  assert.equal(sha256(await plainDump('again')), sha256(first))
  await fill('again', 8)
  const [ours, others] = [rowsByTable(first), rowsByTable(await plainDump('again'))]
  const same = Array.from(ours).filter(([table, rows]) => rows.length > 50_000 && rows === others.get(table))
  assert.deepEqual(same, [])
  assert.equal(others.size, ours.size)
})

/** What follows each COPY of a plain dump. */
function rowsByTable(dump: string): Map<string, string> {
  const copies = dump.matchAll(/^COPY (.+?) \([^]*?^\\\.$/gm)
  return new Map(Array.from(copies, ([rows, table]) => [table ?? '', rows]))
}

test('every kind of object is in it', async () => {
  const dump = await plainDump('demo')
  const types = new Set(Array.from(dump.matchAll(/^-- (?:Data for )?Name: .*; Type: ([A-Z ]+);/gm), ([, type]) => type))
  const absent = KINDS.filter((kind) => !types.has(kind))
  assert.deepEqual(absent, [])
  for (const word of [
    'AS ENUM',
    'PARTITION',
    'DEFERRABLE INITIALLY DEFERRED',
    'EXCLUDE USING gist',
    'GENERATED ALWAYS AS',
    'UNLOGGED',
    'REVOKE ALL ON FUNCTIONS',
    'WITH GRANT OPTION',
  ]) {
    assert.ok(dump.includes(word), word)
  }
})

test('an owner without special rights restores a dump of it without an error', async () => {
  await postgres.sql('postgres', `alter role ${roles.owner} password 'owner'`)
  await postgres.createDatabase('restored', `template template0 owner ${roles.owner}`)
  const dump: Bytes = streamTool(await toolCall('pg_dump', 'demo', ['--format=custom', '--compress=0']), context)
  const owner = { ...postgres.server, user: roles.owner, password: new Secret('owner') }
  const restore = await toolCall('pg_restore', 'restored', ['--exit-on-error', '--single-transaction'])
  const { stderr } = await runTool({ ...restore, server: owner }, context, dump)
  assert.equal(stderr, '')
  // The dump prints times in the database's time zone, which is a setting of the database and not in the dump.
  await postgres.sql('postgres', `alter database restored set timezone = 'Europe/Paris'`)
  assert.equal(sha256(await plainDump('restored')), sha256(await plainDump('demo')))
})

test('the reader sees the secrets of one tenant only', async () => {
  const count = 'select count(*)::int as n from idp.tenant_secrets'
  const session = `set row_security = on; set role "idp ""reader"""`
  assert.deepEqual(await postgres.sql('demo', count), [{ n: 240 }])
  assert.deepEqual(await postgres.sql('demo', `${session}; ${count}`), [{ n: 0 }])
  assert.deepEqual(await postgres.sql('demo', `${session}; set idp.tenant = '3'; ${count}`), [{ n: 20 }])
})

test('a fill that is cancelled ends with the reason, and the server stops working on it', async () => {
  await postgres.createDatabase('cancelled', 'template template0')
  const reason = new Error('enough')
  const started = new AbortController()
  const progress = (step: string): void =>
    void (step.endsWith('large objects') && setTimeout(() => started.abort(reason), 50))
  const options = { megabytes: MEGABYTES, seed: 7, roles, progress }
  await assert.rejects(fillExisting('cancelled', options, AbortSignal.abort(reason)), reason)
  await withSession(postgres.server, 'cancelled', context, async (holder) => {
    // Whoever makes a large object waits for this session, for as long as it likes.
    await holder.query('begin; lock table pg_catalog.pg_largeobject_metadata in access exclusive mode')
    await assert.rejects(fillExisting('cancelled', options, started.signal), reason)
    await untilNobodyWaits()
  })
})

/** Bounded; a session that nobody ends would wait for ever. */
async function untilNobodyWaits(): Promise<void> {
  const waiting = `select query from pg_stat_activity where datname = 'cancelled' and wait_event_type = 'Lock'`
  for (let tries = 0; tries < 100; tries++) {
    if ((await postgres.sql('postgres', waiting)).length === 0) return
    await context.clock.sleep(100, context.signal)
  }
  assert.fail('the server still works on it after 10 s')
}
