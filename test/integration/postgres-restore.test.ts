import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listRetained } from '../../src/components/postgres/restore/staged/undo.ts'
import { isFailure } from '../../src/core/failure.ts'
import {
  captureInto,
  openTarget,
  restoreBeside,
  restoreWhole,
  RESTORE_ID,
  sourceOf,
  sql,
} from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

const SCHEMA = `create table users (id int generated always as identity primary key, name text not null unique);
  insert into users (name) select 'user ' || n from generate_series(1, 200) n;
  create view names as select name from users;
  create sequence tickets; select nextval('tickets') from generate_series(1, 7);
  select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex'));
  grant select on users to pg_monitor`

test('a swap makes the captured data live, keeps the previous, and undo brings that back', async () => {
  await postgres.createDatabase('app')
  await sql('app', SCHEMA)
  const settings = postgres.settings('app', {
    checks: [{ name: 'users', sql: 'select count(*) from users', expect: 200 }],
  })
  const captured = await captureInto(settings, context)
  await sql('app', `insert into users (name) values ('late'); drop view names`)
  const target = await openTarget(settings)
  assert.equal(await target.state(context), 'untouched')
  await restoreBeside(target, captured, context)
  assert.equal(await target.state(context), 'staged')
  assert.deepEqual(await target.compare(captured.details, context), [])
  assert.deepEqual(await target.runChecks(context), [])
  await target.fence(context)
  assert.equal(await target.state(context), 'fenced')
  await target.swap(captured.details, context)
  assert.equal(await target.state(context), 'swapped')
  await assert.rejects(sql('app', 'select 1'), /not accept/)
  await target.reopen(context)
  assert.deepEqual(await sql('app', 'select count(*)::int as n from names'), [{ n: 200 }])
  assert.deepEqual(
    (await listRetained(settings, context)).map(({ role, restoreId }) => [role, restoreId]),
    [['previous', RESTORE_ID]],
  )
  await target.undo(context)
  assert.equal(await target.state(context), 'untouched')
  assert.deepEqual(await sql('app', 'select count(*)::int as n from users'), [{ n: 201 }])
  await target.undo(context)
  await target.forget(context)
  assert.deepEqual(await sql('postgres', `select datname from pg_database where datname like 'app%'`), [
    { datname: 'app' },
  ])
})

test('what hangs on the live database is carried over, and its comment comes back with undo', async () => {
  await postgres.createDatabase('carried')
  await sql('carried', 'create table t (a int); insert into t values (1)')
  const captured = await captureInto(postgres.settings('carried'), context)
  await sql(
    'postgres',
    `drop role if exists carrier; create role carrier; drop role if exists "odd ""role"; create role "odd ""role" login;
    alter database carried owner to carrier; alter database carried connection limit 17; comment on database carried is 'it''s the app';
    revoke connect on database carried from public; grant connect, temporary on database carried to "odd ""role" with grant option;
    alter database carried set search_path to "$user", public, "odd, name"; alter database carried set work_mem to '7MB';
    alter role "odd ""role" in database carried set statement_timeout to '3s'`,
  )
  const facts = `select pg_get_userbyid(datdba)::text as owner, datconnlimit, shobj_description(oid, 'pg_database') as comment, datacl::text as acl,
    (select json_agg(array[setrole::regrole::text, setconfig::text] order by setrole) from pg_db_role_setting where setdatabase = d.oid) as settings
    from pg_database d where datname = 'carried'`
  const before = await sql('postgres', facts)
  const target = await openTarget(postgres.settings('carried'))
  await restoreWhole(target, captured, context)
  assert.deepEqual(await sql('postgres', facts), before)
  await target.undo(context)
  assert.deepEqual(await sql('postgres', facts), before)
  await target.forget(context)
})

test('a lost database is made again with the captured properties and its roles, without their powers', async () => {
  await postgres.createDatabase('lost')
  await sql(
    'postgres',
    `drop role if exists lost_user; drop role if exists lost_group; drop role if exists lost_owner;
    create role lost_group; create role lost_owner login superuser replication bypassrls password 'x' connection limit 5; create role lost_user login in role lost_group;
    alter role lost_user set work_mem to '9MB'; alter role lost_user in database lost set lock_timeout to '4s';
    alter database lost owner to lost_owner; comment on database lost is 'lost one'; alter database lost set work_mem to '8MB'; grant connect on database lost to lost_user`,
  )
  await sql(
    'lost',
    'create table t (a int); insert into t values (1); alter table t owner to lost_owner; grant select on t to lost_user',
  )
  const settings = postgres.settings('lost')
  const captured = await captureInto(settings, context)
  await postgres.dropDatabase('lost')
  await sql('postgres', 'drop role lost_user; drop role lost_group; drop role lost_owner')
  const target = await openTarget(settings)
  const findings = await target.preflight(captured.details, context)
  assert.ok(
    findings.some(({ level, message }) => level === 'warning' && message.includes('SUPERUSER, REPLICATION, BYPASSRLS')),
    JSON.stringify(findings),
  )
  await target.load(captured.details, captured.source, context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.fence(context)
  await target.swap(captured.details, context)
  assert.equal(await target.state(context), 'swapped')
  await target.reopen(context)
  assert.equal(await target.state(context), 'swapped')
  const roles = `select rolname, rolsuper, rolreplication, rolbypassrls, rolcanlogin, rolconnlimit, rolpassword is null as locked,
    (select setconfig from pg_db_role_setting where setrole = oid and setdatabase = 0) as rolconfig from pg_authid where rolname like 'lost%' order by 1`
  assert.deepEqual(await sql('postgres', roles), [
    {
      rolname: 'lost_group',
      rolsuper: false,
      rolreplication: false,
      rolbypassrls: false,
      rolcanlogin: false,
      rolconnlimit: -1,
      locked: true,
      rolconfig: null,
    },
    {
      rolname: 'lost_owner',
      rolsuper: false,
      rolreplication: false,
      rolbypassrls: false,
      rolcanlogin: true,
      rolconnlimit: 5,
      locked: true,
      rolconfig: null,
    },
    {
      rolname: 'lost_user',
      rolsuper: false,
      rolreplication: false,
      rolbypassrls: false,
      rolcanlogin: true,
      rolconnlimit: -1,
      locked: true,
      rolconfig: ['work_mem=9MB'],
    },
  ])
  assert.deepEqual(
    await sql('lost', `select current_setting('work_mem') as w, pg_has_role('lost_user', 'lost_group', 'member') as m`),
    [{ w: '8MB', m: true }],
  )
  await target.forget(context)
  assert.deepEqual(
    await sql('postgres', `select shobj_description(oid, 'pg_database') as c from pg_database where datname = 'lost'`),
    [{ c: 'lost one' }],
  )
  await assert.rejects(target.undo(context), (error) => isFailure(error, 'refused'))
})

test('a dump that ends early or whose source fails leaves nothing, and the error of the source is the one thrown', async () => {
  await postgres.createDatabase('cut')
  await sql(
    'cut',
    `create table t as select n, repeat('x', 500) as filler from generate_series(1, 300) n; create index on t (n)`,
  )
  const settings = postgres.settings('cut')
  const { details, dump } = await captureInto(settings, context)
  const target = await openTarget(settings)
  for (let part = 0; part < 24; part++) {
    const end = Math.floor((dump.length * part) / 24)
    await assert.rejects(
      target.load(details, sourceOf(dump, end), context),
      (error) => isFailure(error, 'toolFailed'),
      `cut at ${end}`,
    )
    assert.equal(await target.state(context), 'untouched')
  }
  for (const end of [0, dump.length >> 1, dump.length]) {
    const error = new Error(`source failed at ${end}`)
    await assert.rejects(target.load(details, sourceOf(dump, end, error), context), error)
    assert.equal(await target.state(context), 'untouched')
  }
})

test('only a side database that was loaded whole is swapped in, and only behind the fence', async () => {
  await postgres.createDatabase('half')
  await sql('half', 'create table t (a int)')
  const settings = postgres.settings('half')
  const captured = await captureInto(settings, context)
  const target = await openTarget(settings)
  await assert.rejects(target.swap(captured.details, context), /nothing was loaded/)
  await target.load(captured.details, captured.source, context)
  await assert.rejects(target.swap(captured.details, context), /not fenced/)
  await target.fence(context)
  const marker = await sql(
    'postgres',
    `select shobj_description(oid, 'pg_database') as c from pg_database where datname like 'half%r%'`,
  )
  await sql(
    'postgres',
    `comment on database half__r_${RESTORE_ID} is '${String(marker[0]?.['c']).replace('true', 'false')}'`,
  )
  await assert.rejects(target.swap(captured.details, context), /only in part/)
  await sql('postgres', `comment on database half__r_${RESTORE_ID} is 'mine'`)
  await assert.rejects(target.swap(captured.details, context), /mark/)
  await assert.rejects(target.discard(context), /mark/)
  await sql('postgres', `comment on database half__r_${RESTORE_ID} is null`)
  await target.discard(context)
  await target.reopen(context)
  assert.equal(await target.state(context), 'untouched')
})

test('database names that libpq or SQL could take for something else', async () => {
  const names = [
    `host=evil.example dbname=x`,
    `it's "quoted"; drop\nback\\slash`,
    'postgres://evil.example/x',
    '漢'.repeat(21),
    '-d',
  ]
  for (const name of names) {
    await postgres.createDatabase(name)
    await sql(name, `create table t (a int); insert into t values (1)`)
    const settings = postgres.settings(name)
    const captured = await captureInto(settings, context)
    await sql(name, 'insert into t values (2)')
    const target = await openTarget(settings)
    await restoreWhole(target, captured, context)
    assert.deepEqual(await sql(name, 'select count(*)::int as n from t'), [{ n: 1 }], name)
    await target.undo(context)
    assert.deepEqual(await sql(name, 'select count(*)::int as n from t'), [{ n: 2 }], name)
    await target.forget(context)
    await postgres.dropDatabase(name)
  }
  assert.deepEqual(await sql('postgres', `select datname from pg_database where datname like '%${RESTORE_ID}'`), [])
})
