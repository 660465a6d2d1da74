import assert from 'node:assert/strict'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { giveEvidence } from '../../src/components/postgres/evidence.ts'
import { readFingerprint } from '../../src/components/postgres/fingerprint/fingerprint.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { beginReading } from '../../src/components/postgres/connection/snapshot.ts'
import { Failure } from '../../src/core/failure.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { HOSTILE_SETTINGS, noteFunctions, TRAPS } from '../parts/postgres-hostile.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const postgres = await startPrivate()
const context = testContext()
const folder = await makeTemporaryFolder()
await chmod(folder, 0o777)
after(() => rm(folder, { recursive: true, force: true }))
const major = Number(postgres.process?.major)
const traps = TRAPS.filter(({ since }) => since === undefined || since <= major)
const settings = postgres.settings('hostile', { rowCheckSeconds: 20 })

await postgres.sql('postgres', 'create role owner login')
await postgres.createDatabase('hostile', 'owner owner template template0')
await postgres.sql(
  'hostile',
  `grant all on schema public to owner; create schema amcheck; do $$ begin
    if exists (select from pg_available_extensions where name = 'amcheck') then create extension amcheck schema amcheck; end if; end $$`,
)
await postgres.sql(
  'hostile',
  `set role owner; ${noteFunctions(folder)};
  create function public.hashed_once(public.colour) returns int language plpgsql immutable as $$ begin return public.note('hash'); end $$`,
)
for (const { sql, bySuperuser } of traps)
  await postgres.sql('hostile', `${bySuperuser ? '' : 'set role owner;'} ${sql}`)
for (const setting of HOSTILE_SETTINGS) await postgres.sql('postgres', `alter database hostile set ${setting}`)

/** The places whose code ran as a superuser since this was last asked. */
async function ran(): Promise<string[]> {
  const places = (await readdir(folder)).toSorted()
  for (const place of places) await rm(join(folder, place))
  return places
}

/** Laying the traps may have sprung some. */
await ran()

test('check runs none of the code', async () => {
  const findings = await postgresDriver.check(settings, context)
  assert.deepEqual(await ran(), [])
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
})

test('a capture, its verification and a fingerprint to compare with it run none of the code', async () => {
  const { details, source } = await captureStored(settings, context)
  assert.deepEqual(await ran(), [])
  await postgresDriver.examine(details, source, context)
  const session = await beginReading(postgres.server, 'hostile', context)
  const again = await readFingerprint([session], [], 0, context, details.fingerprint)
  await session.end()
  assert.deepEqual(await ran(), [])
  assert.deepEqual(again.tables, details.fingerprint.tables)
  const copied = again.tables.filter(({ by }) => by === 'copy').map(({ name }) => name)
  assert.deepEqual(
    copied,
    ['exclusion', 'index', 'predicate', 'statistics'].map((name) => `public.${name}`),
  )
})

/** The traps work: without this, what was not run might be what could not run. */
for (const { place, springs } of traps) {
  if (springs === undefined) continue
  test(`whoever reads or writes carelessly runs: ${place}`, async () => {
    await ran()
    const careless = `set search_path = public, pg_catalog; set constraint_exclusion = on; ${springs}`
    await withSession(postgres.server, 'hostile', context, (session) => session.query(careless))
    assert.ok((await ran()).includes(place))
  })
}

/** Rows of what key fit asks, or why it was not asked. */
async function evidenceOf(sql: string): Promise<unknown> {
  const session = await beginReading(postgres.server, 'fitting', context)
  let found: unknown
  const rows = async (_query: unknown, given: AsyncIterable<unknown>): Promise<void> => {
    const read: unknown[] = []
    try {
      for await (const row of given) read.push(row)
      found = read
    } catch (error) {
      found = error
    }
  }
  const taker = { queries: [{ sql, limit: 10 }], secrets: [], rows, secret: () => {} }
  await giveEvidence(session, taker)
  await session.end()
  return found
}

test('key fit asks the live database only what can run nothing of its owner', async () => {
  await postgres.createDatabase('fitting', 'owner owner template template0')
  const laid = traps.filter(({ place }) =>
    ['index', 'operator', 'view', 'cast-to-text', 'partition-key'].includes(place),
  )
  await postgres.sql(
    'fitting',
    `grant all on schema public to owner; set role owner; ${noteFunctions(folder)}; ${laid.map(({ sql }) => sql).join(';')};
    create table public.sealed (id int, value text, kind varchar(9)); insert into public.sealed values (1, 'x', 'a'); create index on public.sealed (lower(value)) where id > 0;
    alter database fitting set search_path = public, pg_catalog`,
  )
  await ran()
  const given = await evidenceOf(
    "select value, payload->'a' as a from sealed cross join jsonb_build_object('a', 1) as payload where kind like 'a%' order by id",
  )
  // The owner has an operator for order by, and the like of their own is not there.
  assert.deepEqual(given, [{ value: 'x', a: '1' }])
  for (const sql of [
    'select n from public.index',
    'select * from seen',
    'select value from sealed where id = 1',
    'select c::text from car',
    'select n from parts',
    "select note('function')",
  ]) {
    const found = await evidenceOf(sql.replace('.index', '."index"'))
    assert.ok(found instanceof Failure && found.kind === 'refused', `${sql}: ${String(found)}`)
  }
  assert.match(String(await evidenceOf('select 1; select 2')), /cannot insert multiple commands/)
  assert.match(String(await evidenceOf('select * from nowhere')), /does not exist/)
  await postgres.sql('fitting', 'create domain public.even as int check (public.yes(value::text))')
  assert.match(String(await evidenceOf('select value from sealed')), /domain public.even checks/)
  assert.deepEqual(await ran(), [])
})
