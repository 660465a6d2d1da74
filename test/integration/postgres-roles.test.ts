import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readerOf } from '../../src/components/postgres/capture/capture.ts'
import { check } from '../../src/components/postgres/check/check.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { grants } from '../../src/components/postgres/roles/grants.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import { captureInto, openTarget, restoreWhole } from '../parts/postgres-restore.ts'
import { startPostgres, startPrivate, testContext, type TestPostgres } from '../parts/postgres.ts'

/** Roles on a server that lost them, and restores by who is no superuser; on whatever server version is there. */
const postgres = await startPostgres()
const other = await startPrivate()
const context = testContext()
const PASSWORD = 'p'
const major = Math.floor(
  Number((await postgres.sql('postgres', `select current_setting('server_version_num') as v`))[0]?.['v']) / 10_000,
)

function as(server: TestPostgres, user: string, database: string, sql: string): Promise<Record<string, unknown>[]> {
  const settings = server.settings(database, { user, password: PASSWORD })
  return withSession(readerOf(settings), database, context, async (client) => {
    const result: unknown = await client.query(sql)
    // Several statements give an array of results, one gives its result; both are of the pg library.
    return ((Array.isArray(result) ? result.at(-1) : result) as { rows: Record<string, unknown>[] }).rows
  })
}

function texts(findings: readonly Finding[], level: Finding['level']): string {
  return findings
    .filter((one) => one.level === level)
    .map(({ subject, message, hint }) => `${subject}: ${message} ${hint ?? ''}`)
    .join('\n')
}

/** The statement in the hint of a finding. */
function statements(text: string): string[] {
  return [...text.matchAll(/Run as an administrator: (.*;)/g)].map(([, statement = '']) => statement)
}

await postgres.createDatabase('team')
await postgres.sql(
  'postgres',
  `create role team_owner; create role team_rw; create role team_ro; create role team_app login password 'p' in role team_rw connection limit 7;
  create role team_human login password 'p' in role team_ro; create role team_strong login bypassrls replication in role team_rw;
  create role team_group; grant team_group to team_rw with admin option; alter role team_app set search_path = team, public; alter role team_app in database team set work_mem = '8MB';
  alter database team owner to team_owner; alter database team set timezone = 'Europe/Berlin'; alter database team connection limit 40`,
)
await postgres.sql(
  'team',
  `set role team_owner; create schema team; grant usage on schema team to team_rw, team_ro; create table team.notes (id serial primary key, text text);
  insert into team.notes (text) values ('one'); grant select, insert, update, delete on team.notes to team_rw; grant usage on sequence team.notes_id_seq to team_rw; grant select on team.notes to team_ro;
  alter default privileges in schema team grant select on tables to team_ro; alter default privileges in schema team grant all on tables to team_rw`,
)
const captured = await captureInto(postgres.settings('team'), context)

test('roles that log in only as members are captured, and nothing of other databases', () => {
  const names = captured.details.roles.map(({ name }) => name).filter((name) => name.startsWith('team'))
  assert.deepEqual(names, ['team_app', 'team_group', 'team_human', 'team_owner', 'team_ro', 'team_rw', 'team_strong'])
  const text = captured.notCaptured.join('\n')
  assert.match(text, /Passwords of roles .*team_app, team_human/)
  assert.deepEqual(captured.details.needs?.owners, ['team_owner'])
})

test('who may create roles and databases restores to a server that has neither, and the application works', async () => {
  await other.sql(
    'postgres',
    `create role rebuild login password 'p' createdb createrole; create role team_human password 'old'`,
  )
  const settings = other.settings('team', { user: 'rebuild', password: PASSWORD })
  const target = await openTarget(settings)
  const findings = await target.preflight(captured.details, context)
  assert.equal(texts(findings, 'error'), '')
  const warnings = texts(findings, 'warning')
  assert.match(
    warnings,
    /will be created without password: team_app, team_group, team_owner, team_ro, team_rw, team_strong/,
  )
  assert.match(warnings, /role team_strong: had REPLICATION, BYPASSRLS, which a restore never gives/)
  assert.match(warnings, /role team_human: could log in and cannot now; .* alter role "team_human" login;/)
  assert.match(warnings, /role team_human: was a member of team_ro and is not now; .* grant "team_ro" to "team_human";/)
  const password = `select rolpassword from pg_authid where rolname = 'team_human'`
  const before = await other.sql('postgres', password)
  await restoreWhole(target, captured, context)
  assert.deepEqual(await other.sql('postgres', password), before)
  await asApplication()
})

async function asApplication(): Promise<void> {
  const powers = `select rolname::text, rolsuper or rolreplication or rolbypassrls as powerful, rolpassword is null as without, rolconnlimit as "limit" from pg_authid where rolname in ('team_app', 'team_strong') order by 1`
  assert.deepEqual(await other.sql('postgres', powers), [
    { rolname: 'team_app', powerful: false, without: true, limit: 7 },
    { rolname: 'team_strong', powerful: false, without: true, limit: -1 },
  ])
  await other.sql('postgres', `alter role team_app password 'p'`)
  const sql = `set search_path to default; insert into notes (text) values ('two') returning id, current_setting('work_mem') as mem, current_setting('TimeZone') as zone`
  assert.deepEqual(await as(other, 'team_app', 'team', `set timezone to default; ${sql}`), [
    { id: 2, mem: '8MB', zone: 'Europe/Berlin' },
  ])
  await assert.rejects(as(other, 'team_app', 'team', 'drop table team.notes'), /must be owner/)
  await other.sql('team', `set role team_owner; create table team.later (n int)`)
  assert.deepEqual(await as(other, 'team_app', 'team', 'select * from team.later'), [])
  const admin = `select admin_option from pg_auth_members m where m.roleid = 'team_group'::regrole and m.member = 'team_rw'::regrole and m.admin_option`
  assert.equal((await other.sql('postgres', admin)).length, 1)
}

test('a role that exists and is to have members needs ADMIN from PostgreSQL 16 on', { skip: major < 16 }, async () => {
  await other.dropDatabase('team')
  await other.sql(
    'postgres',
    `create role careful login password 'p' createdb createrole; drop role team_app;
    grant team_owner, team_rw, team_ro to careful with inherit true, set true; grant team_owner to careful`,
  )
  const target = await openTarget(other.settings('team', { user: 'careful', password: PASSWORD }))
  const errors = texts(await target.preflight(captured.details, context), 'error')
  assert.match(errors, /may not make anybody a member of team_rw, as team_app was/)
  await assert.rejects(target.load(captured.details, captured.source, context), /permission denied/)
  for (const statement of statements(errors)) await other.sql('postgres', statement)
  assert.equal(texts(await target.preflight(captured.details, context), 'error'), '')
  await restoreWhole(target, captured, context)
})

test('settings of another version, or with a value of another machine, are named and left out', async () => {
  const unknown = [
    { name: 'no_such_setting', value: 'on' },
    { name: 'lc_monetary', value: 'xx_XX.utf8' },
  ]
  const details: PostgresDetails = {
    ...captured.details,
    settings: [...captured.details.settings, ...unknown],
    roles: captured.details.roles.map((role) =>
      role.name !== 'team_app'
        ? role
        : { ...role, settings: [...role.settings, ...unknown.map((one) => ({ ...one, inDatabase: false }))] },
    ),
  }
  await other.dropDatabase('team')
  await other.sql('postgres', 'drop role if exists team_app')
  const target = await openTarget(other.settings('team'))
  const warnings = texts(await target.preflight(details, context), 'warning')
  for (const whose of ['database team', 'role team_app'])
    for (const { name } of unknown) assert.match(warnings, new RegExp(`setting ${name} of ${whose}: is left out`))
  assert.doesNotMatch(warnings, /setting (timezone|search_path|work_mem)/i)
  await restoreWhole(target, { ...captured, details }, context)
  const kept = `select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = 'team' and s.setrole = 0`
  assert.deepEqual(await other.sql('postgres', kept), [{ setconfig: ['TimeZone=Europe/Berlin'] }])
})

/** What only a superuser can restore: SQL that plants it, and what is said. */
const SPECIAL: readonly (readonly [string, RegExp, number?])[] = [
  [
    `create function watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watching on ddl_command_end execute function watch()`,
    /event trigger watching/,
  ],
  ['create publication everything for all tables', /publication everything for all tables/],
  ['create publication schemas for tables in schema public', /publication schemas for tables in schema/, 15],
  [
    `create function native() returns int language internal as 'pg_backend_pid'`,
    /function public\.native\(\) in language internal/,
  ],
  [`create function quiet() returns int language sql leakproof as 'select 1'`, /leakproof function public\.quiet\(\)/],
  ['create foreign data wrapper bare', /foreign-data wrapper bare/],
  [
    'create type half; create function half_in(cstring) returns half strict immutable language internal as $$textin$$; create function half_out(half) returns cstring strict immutable language internal as $$textout$$; create type half (input = half_in, output = half_out)',
    /base type public\.half/,
  ],
  [
    'create table t (); create role planted_other; alter table t owner to planted_owner; grant select on t to planted_other with grant option; set role planted_other; grant select on t to public',
    /grants by planted_other on public\.t/,
  ],
  ['create table mine (n int)', /objects of postgres, who is a superuser/],
]

for (const [plant, says, since = 0] of SPECIAL) {
  test(`only a superuser restores ${says.source}`, { skip: major < since }, async () => {
    await postgres.dropDatabase('planted')
    await postgres.sql(
      'postgres',
      `drop role if exists planted_other; drop role if exists planted_restore; drop role if exists planted_owner;
      create role planted_owner; create role planted_restore login password 'p' createdb createrole; grant planted_owner to planted_restore`,
    )
    await postgres.createDatabase('planted', 'owner planted_owner')
    const settings = postgres.settings('planted', { restoreUser: 'planted_restore', restorePassword: PASSWORD })
    assert.equal(texts(await check(settings, context), 'error'), '')
    await postgres.sql('planted', `set search_path = public; ${plant}`)
    const { details, source } = await captureInto(settings, context)
    const target = await openTarget(settings)
    assert.match(texts(await target.preflight(details, context), 'error'), says)
    assert.match(texts(await check(settings, context), 'error'), says)
    await assert.rejects(target.load(details, source, context), /pg_restore|cannot make again here/)
    await postgres.sql('postgres', 'alter role planted_restore superuser')
    assert.equal(texts(await target.preflight(details, context), 'error'), '')
    await target.load(details, source, context)
    await target.discard(context)
  })
}

test('a managed server: the administrator is no superuser, grants what is printed, and restores', async () => {
  const admin = major >= 16 ? ' with admin option' : ''
  await other.sql(
    'postgres',
    `create role rds_superuser; create role master login password 'p' createdb createrole in role rds_superuser;
    grant pg_read_all_data, pg_signal_backend to master${admin}`,
  )
  await as(
    other,
    'master',
    'postgres',
    `create role hosted_owner; create role hosted_app login password 'p' in role hosted_owner; grant hosted_owner to master`,
  )
  await as(other, 'master', 'postgres', 'create database hosted owner hosted_owner')
  await as(
    other,
    'master',
    'hosted',
    `set role hosted_owner; create table public.orders (n int); insert into public.orders values (1), (2)`,
  )
  await as(
    other,
    'master',
    'postgres',
    `create role hosted_backup login password 'p'; create role hosted_restore login password 'p'`,
  )
  const settings = (over = {}): PostgresSettings =>
    other.settings('hosted', {
      user: 'hosted_backup',
      password: PASSWORD,
      restoreUser: 'hosted_restore',
      restorePassword: PASSWORD,
      ...over,
    })
  for (const purpose of ['backup', 'restore'] as const)
    for (const line of (await grants(settings(), purpose, context)).split('\n').filter((one) => /^[a-z]/.test(one)))
      if (!line.includes('connect')) await as(other, 'master', 'postgres', line)
  assert.equal(texts(await check(settings(), context), 'error'), '')
  for (const user of ['hosted_restore', 'master']) {
    const point = await captureInto(settings(), context)
    const target = await openTarget(settings({ restoreUser: user }))
    assert.equal(texts(await target.preflight(point.details, context), 'error'), '')
    await restoreWhole(target, point, context)
    assert.deepEqual(
      await as(
        other,
        'hosted_app',
        'hosted',
        'insert into public.orders values (3); select count(*)::int as n from public.orders',
      ),
      [{ n: 3 }],
    )
    await target.undo(context)
    await target.forget(context)
  }
})

test('on a managed server what takes a superuser elsewhere is a warning', async () => {
  await other.sql(
    'hosted',
    `create function public.watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watching on ddl_command_end execute function public.watch();
    alter function public.watch() owner to hosted_owner`,
  )
  const findings = await check(other.settings('hosted', { restoreUser: 'master', restorePassword: PASSWORD }), context)
  assert.match(texts(findings, 'warning'), /may not be able to restore event trigger watching/)
  assert.doesNotMatch(texts(findings, 'error'), /event trigger/)
})
