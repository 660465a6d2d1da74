import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { captureInto, openTarget, sql, type CapturedDatabase } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** What the live database has by itself does not get into what a restore in place brings, nor in its way. */
const postgres = await startPostgres()
const context = testContext()
await sql(
  'postgres',
  `create role viewer; create role "Über ""x"; create role keeper login createdb password 'k'; grant pg_signal_backend to keeper`,
)

async function overwritten(settings: PostgresSettings, { details, source }: CapturedDatabase): Promise<void> {
  const target = await openTarget(settings, 'in-place')
  await target.fence(context)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  await target.reopen(context)
}

const GRANTS = `select n.nspname || '.' || c.relname as name, c.relacl::text as grants from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'own') and c.relkind in ('r', 'S') union all
  select proname, proacl::text from pg_proc where oid >= 16384 union all select typname, typacl::text from pg_type where oid >= 16384 and typtype = 'e' order by 1`
const DEFAULTS = `select defaclrole::regrole::text as role, defaclnamespace::regnamespace::text as schema, defaclobjtype::text as kind, defaclacl::text as grants
  from pg_default_acl order by 1, 2, 3`

test('default privileges that were given after a table was made are not those of the table', async () => {
  await postgres.createDatabase('in-place-default-privileges')
  const name = 'in-place-default-privileges'
  await sql(
    name,
    `create table secret (a int primary key); insert into secret values (1);
    alter default privileges in schema public grant select on tables to viewer; create table later (a int primary key);`,
  )
  const before = [await sql(name, GRANTS), await sql(name, DEFAULTS)]
  const settings = postgres.settings(name)
  await overwritten(settings, await captureInto(settings, context))
  assert.deepEqual([await sql(name, GRANTS), await sql(name, DEFAULTS)], before)
})

test('nor are those of any kind and scope that came after the capture, which are as captured then', async () => {
  await postgres.createDatabase('neutral', 'owner keeper')
  const things = `create table t (id serial primary key); create function f() returns int language sql as 'select 1'; create type mood as enum ('well');`
  await sql(
    'neutral',
    `set role keeper; create schema own; set search_path = own; ${things} alter default privileges grant usage on types to viewer;
    alter default privileges revoke execute on functions from public; create function g() returns int language sql as 'select 1';`,
  )
  const settings = postgres.settings('neutral', { restoreUser: 'keeper', restorePassword: 'k' })
  const before = [await sql('neutral', GRANTS), await sql('neutral', DEFAULTS)]
  const captured = await captureInto(postgres.settings('neutral'), context)
  await sql(
    'neutral',
    `set role keeper; alter default privileges in schema own grant select on tables to "Über ""x"; alter default privileges grant all on sequences to public;
    alter default privileges in schema own grant execute on functions to viewer with grant option; alter default privileges revoke usage on types from public;
    alter default privileges grant usage on schemas to viewer; alter default privileges revoke all on tables from keeper`,
  )
  await overwritten(settings, captured)
  assert.deepEqual([await sql('neutral', GRANTS), await sql('neutral', DEFAULTS)], before)
})

test('a database, or a role in it, that is set to read only is overwritten', async () => {
  await postgres.createDatabase('setting-read-only')
  const name = 'setting-read-only'
  await sql(name, 'create table t (a int primary key); insert into t values (1)')
  const settings = postgres.settings(name)
  await sql('postgres', 'alter database "setting-read-only" set default_transaction_read_only = on')
  await sql(
    'postgres',
    `alter role ${settings.user} in database "setting-read-only" set default_transaction_read_only = on`,
  )
  const captured = await captureInto(settings, context)
  await sql(name, 'set transaction_read_only = off; insert into t values (2)')
  await overwritten(settings, captured)
  const found = await sql(name, 'select count(*)::int as n from t')
  assert.deepEqual(found, [{ n: 1 }])
  const kept = `select count(*)::int as n from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where datname = '${name}' and 'default_transaction_read_only=on' = any (setconfig)`
  assert.deepEqual(await sql('postgres', kept), [{ n: 2 }])
})

test('a role that is set to read only everywhere restores', async () => {
  await sql(
    'postgres',
    `create role reader login superuser password 'r'; alter role reader set default_transaction_read_only = on`,
  )
  await postgres.createDatabase('reader_role')
  await sql('reader_role', 'create table t (a int primary key); insert into t values (1)')
  const settings = postgres.settings('reader_role', { restoreUser: 'reader', restorePassword: 'r' })
  await overwritten(settings, await captureInto(settings, context))
})

test('what failed before its first commit says that nothing was changed, and what was committed does not', async () => {
  await postgres.createDatabase('told')
  await sql('told', 'create table t (a int primary key); insert into t values (1)')
  const settings = postgres.settings('told')
  const captured = await captureInto(settings, context)
  await sql('told', 'create view holds as select a from public.t')
  const target = await openTarget(settings, 'in-place')
  await target.fence(context)
  assert.equal(await target.isAsBefore?.(context), true)
  await assert.rejects(target.load(captured.details, captured.source, context), /other objects depend on it/)
  assert.equal(await target.isAsBefore?.(context), true)
  await target.reopen(context)
  await sql('told', 'drop view holds; update t set a = 5')
  await target.fence(context)
  await target.load(captured.details, captured.source, context)
  assert.equal(await target.isAsBefore?.(context), false)
  await target.reopen(context)
})

test(
  'a worker of the server is no client: it is no error, and stays without being waited for',
  { timeout: 60_000 },
  async () => {
    await postgres.createDatabase('published')
    await postgres.createDatabase('worked', 'owner keeper')
    await sql('published', `create table t (a int); create publication all_of_it for table t`)
    await sql('published', `select pg_create_logical_replication_slot('worker', 'pgoutput')`)
    await sql('worked', 'create table t (a int); alter table t owner to keeper')
    const { host, port, user } = postgres.server
    await sql(
      'worked',
      `create subscription works connection 'host=${host} port=${port} user=${user} password=${(await passwordOf(postgres.server)) ?? ''} dbname=published' publication all_of_it with (create_slot = false, slot_name = worker)`,
    )
    try {
      const WORKERS = `select pid from pg_stat_activity where datname = 'worked' and backend_type like 'logical replication%' and backend_type <> 'client backend' and client_port is null`
      while ((await sql('postgres', WORKERS)).length === 0) await context.clock.sleep(50, context.signal)
      const settings = postgres.settings('worked', { restoreUser: 'keeper', restorePassword: 'k' })
      const { details } = await captureInto(postgres.settings('worked'), context)
      const serves = async (): Promise<string> =>
        (await (await openTarget(settings, 'in-place')).preflight(details, context))
          .filter(({ message }) => message.startsWith('serves '))
          .map(({ level, hint }) => `${level} ${hint ?? ''}`)
          .join('\n')
      assert.match(await serves(), /^error .*pg_read_all_stats cannot tell those from clients/)
      await sql('postgres', 'grant pg_read_all_stats to keeper')
      assert.equal(await serves(), '')
      const target = await openTarget(settings, 'in-place')
      await target.fence(context)
      await target.reopen(context)
      assert.equal((await sql('postgres', WORKERS)).length, 1, 'it was ended')
    } finally {
      await sql('worked', 'alter subscription works disable; alter subscription works set (slot_name = none)')
      await sql('worked', 'drop subscription works')
      await sql(
        'postgres',
        `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = 'worker' and active_pid is not null`,
      )
      await sql('postgres', `select pg_drop_replication_slot('worker')`)
    }
  },
)
