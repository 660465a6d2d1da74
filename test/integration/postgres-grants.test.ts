import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readerOf } from '../../src/components/postgres/capture/capture.ts'
import { check } from '../../src/components/postgres/check/check.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { grants } from '../../src/components/postgres/roles/grants.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import { captureInto, openTarget, restoreWhole, type CapturedDatabase } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** Roles with exactly what `holdfast grants` prints, on whatever server version is there. */
const postgres = await startPostgres()
const context = testContext()
const PASSWORD = 'p'

/** An application as grown-ups have it: an owner that cannot log in, and roles that are members of it or were granted something. */
const APP = `
  create role shop_owner; create role shop_jobs; create role shop_app login password 'p' in role shop_owner; create role shop_reader login password 'p';
  create role backup_only login password 'p'; create role restore_only login password 'p';
  alter database shop owner to shop_owner; alter role shop_app in database shop set statement_timeout = '30s';
  alter database shop set log_min_duration_statement = 500; alter role shop_reader set search_path = shop, public;
  revoke connect on database shop from public; grant connect on database shop to shop_reader, backup_only;`
const CONTENT = `
  grant create on database shop to shop_jobs; set role shop_owner; create schema shop; create table shop.items (id int generated always as identity primary key, name text not null);
  insert into shop.items (name) select 'item ' || n from generate_series(1, 50) n; grant usage on schema shop to shop_reader; grant select on shop.items to shop_reader;
  create table shop.hidden (tenant text); insert into shop.hidden values ('a'), ('b'); alter table shop.hidden enable row level security; alter table shop.hidden force row level security;
  create policy mine on shop.hidden using (tenant = current_user); select lo_from_bytea(4711, 'photo');
  alter default privileges in schema shop grant select on tables to shop_reader;
  reset role; set role shop_jobs; create schema jobs; create table jobs.queue (n int); insert into jobs.queue values (1); reset role;`

/** Objects of roles that may create only because that was granted, or may no more, extensions of all kinds of owners, and a log that is not to be emptied. */
const GUESTS = `
  create role shop_past; grant create, usage on schema shop to shop_jobs, shop_past;
  set role shop_jobs; create table shop.runs (id serial primary key, at timestamptz default now()); insert into shop.runs default values; create index on shop.runs (at);
  create function shop.run_count() returns bigint language sql as 'select count(*) from shop.runs'; create extension hstore schema shop; reset role;
  set role shop_past; create table shop.old (n int); reset role; revoke all on schema shop from shop_past;
  set role shop_owner; create table shop.log (body text); alter table shop.log alter body set storage external;
  insert into shop.log select repeat(md5(n::text), 100000) from generate_series(1, 7) n; revoke truncate on shop.log from shop_owner;
  create table shop.notes (like shop.log including storage); insert into shop.notes select * from shop.log;
  create extension citext schema shop; reset role; create extension pg_trgm schema shop; create extension btree_gin schema shop;`

await postgres.createDatabase('shop')
await postgres.sql('postgres', APP)
await postgres.sql('shop', CONTENT)
await postgres.sql('shop', GUESTS)

const settings = (over: Readonly<Record<string, unknown>> = {}): PostgresSettings =>
  postgres.settings('shop', {
    user: 'backup_only',
    password: PASSWORD,
    restoreUser: 'restore_only',
    restorePassword: PASSWORD,
    ...over,
  })

function statementsOf(text: string): string[] {
  return text.split('\n').filter((line) => !line.startsWith('--') && line !== '')
}

function problems(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ level }) => level === 'error')
    .map(({ subject, message, hint }) => `${subject}: ${message} ${hint ?? ''}`)
}

const captureAsReader = (): Promise<CapturedDatabase> => captureInto(settings(), context)

test('every right that grants backup prints is needed, and together they are enough', async () => {
  const text = await grants(settings(), 'backup', context)
  const statements = statementsOf(text)
  assert.equal(statements.filter((one) => !one.includes('-- has it')).length, 3, text)
  for (const left of statements.filter((one) => !one.includes('-- has it'))) {
    await assert.rejects(captureAsReader(), `a capture worked without ${left}`)
    await postgres.sql('postgres', left)
  }
  assert.deepEqual(
    problems(await check(settings(), context)).filter((one) => !one.includes('restore user')),
    [],
  )
  await captureAsReader()
  assert.ok(statementsOf(await grants(settings(), 'backup', context)).every((one) => one.endsWith('-- has it')))
})

test('every right that grants restore prints is missed by the preflight while it is not there', async () => {
  const { details } = await captureAsReader()
  const statements = statementsOf(await grants(settings(), 'restore', context)).filter(
    (one) => !one.includes('-- has it'),
  )
  assert.ok(statements.length >= 6, statements.join('\n'))
  const target = await openTarget(settings())
  for (const left of statements.filter((one) => !one.includes('pg_signal_backend'))) {
    assert.match(
      problems(await target.preflight(details, context)).join('\n'),
      new RegExp(left.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    )
    assert.match(problems(await check(settings(), context)).join('\n'), /restore user restore_only/)
    await postgres.sql('postgres', left)
  }
  assert.deepEqual(problems(await target.preflight(details, context)), [])
  await postgres.sql('postgres', statements.filter((one) => one.includes('pg_signal_backend')).join(''))
})

test('with just those a restore swaps, is equal, keeps rights and settings, and is undone', async () => {
  const captured = await captureAsReader()
  await postgres.sql('shop', 'delete from shop.items')
  const target = await openTarget(settings())
  await target.load(captured.details, captured.source, context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.discard(context)
  await restoreWhole(target, captured, context)
  await usable()
  await owned()
  await target.undo(context)
  assert.deepEqual(await postgres.sql('shop', 'select count(*)::int as n from shop.items'), [{ n: 0 }])
  await target.forget(context)
})

/** Connects as the application's own roles. */
async function usable(): Promise<void> {
  const as = (user: string, sql: string): Promise<Record<string, unknown>[]> =>
    withSession(readerOf(postgres.settings('shop', { user, password: PASSWORD })), 'shop', context, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(sql)
      return rows
    })
  assert.deepEqual(await as('shop_app', `insert into shop.items (name) values ('new') returning id`), [{ id: 51 }])
  assert.deepEqual(await as('shop_reader', 'select count(*)::int as n from shop.items'), [{ n: 51 }])
  await assert.rejects(as('shop_reader', 'delete from shop.items'), /permission denied/)
  assert.deepEqual(await as('shop_app', `select setting from pg_settings where name = 'log_min_duration_statement'`), [
    { setting: '500' },
  ])
}

/** As before; what a superuser had made is the database owner's, who could make it too. */
async function owned(): Promise<void> {
  const extensions = `select extname::text as name, extowner::regrole::text as owner from pg_extension where oid >= 16384 order by 1`
  assert.deepEqual(await postgres.sql('shop', extensions), [
    { name: 'btree_gin', owner: 'shop_owner' },
    { name: 'citext', owner: 'shop_owner' },
    { name: 'hstore', owner: 'shop_jobs' },
    { name: 'pg_trgm', owner: 'shop_owner' },
  ])
  const tables = `select relname::text as name, relowner::regrole::text as owner from pg_class where relname in ('runs', 'old') order by 1`
  assert.deepEqual(await postgres.sql('shop', tables), [
    { name: 'old', owner: 'shop_past' },
    { name: 'runs', owner: 'shop_jobs' },
  ])
  const lent = `select has_schema_privilege('shop_past', 'shop', 'create') or has_database_privilege('shop_past', 'shop', 'create') as lent`
  assert.deepEqual(await postgres.sql('shop', lent), [{ lent: false }])
}

test('who cannot log in yet gets the statements to begin with', async () => {
  const text = await grants(settings({ user: 'nobody_yet', restoreUser: 'nobody_else' }), 'restore', context)
  assert.match(text, /create role "nobody_else" login; -- unless it exists/)
  assert.match(text, /run holdfast grants again/)
})
