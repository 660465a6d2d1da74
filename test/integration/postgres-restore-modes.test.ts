import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../src/core/restore-point.ts'
import { isFailure } from '../../src/core/failure.ts'
import { captureInto, openTarget, restoreWhole, sourceOf, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const FACTS = `select datconnlimit, shobj_description(oid, 'pg_database') as comment, datallowconn from pg_database where datname = `

test('a role with CREATEDB that is a member of the owner restores, swaps and undoes', async () => {
  await sql(
    'postgres',
    `drop role if exists app_owner; create role app_owner login; drop role if exists app_restore;
    create role app_restore login createdb password 'r' in role app_owner, pg_signal_backend`,
  )
  await postgres.createDatabase('plain', 'owner app_owner')
  await sql(
    'plain',
    `set role app_owner; create table t (a int); insert into t values (1); create extension citext; grant select on t to public`,
  )
  const captured = await captureInto(postgres.settings('plain'), context)
  await sql('plain', 'insert into t values (2)')
  const settings = postgres.settings('plain', {
    restoreUser: 'app_restore',
    restorePassword: 'r',
    preserve: ['public.t'],
  })
  const target = await openTarget(settings)
  assert.deepEqual(problems(await target.preflight(captured.details, context)), [])
  await target.load(captured.details, captured.source, context)
  await target.discard(context)
  await restoreWhole(target, captured, context)
  assert.deepEqual(await sql('plain', 'select count(*)::int as n from t'), [{ n: 2 }])
  assert.deepEqual(
    await sql('plain', `select pg_get_userbyid(datdba)::text as owner from pg_database where datname = 'plain'`),
    [{ owner: 'app_owner' }],
  )
  await target.undo(context)
  await target.forget(context)
})

test('in place: the live data is the captured, limit and comment come back, and there is no undo', async () => {
  await postgres.createDatabase('placed', 'connection limit 9')
  await sql(
    'placed',
    `comment on database placed is 'ours'; create table t (a int primary key); insert into t values (1); create view v as select a from t`,
  )
  const captured = await captureInto(postgres.settings('placed'), context)
  await sql('placed', 'insert into t values (2); drop view v; create index extra on t (a)')
  const target = await openTarget(postgres.settings('placed'), 'in-place')
  await assert.rejects(target.load(captured.details, captured.source, context), /not fenced/)
  await target.fence(context)
  assert.equal(await target.state(context), 'fenced')
  await assert.rejects(target.swap(captured.details, context), /nothing was loaded/)
  await target.fence(context)
  await target.load(captured.details, captured.source, context)
  assert.equal(await target.state(context), 'swapped')
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.swap(captured.details, context)
  await target.reopen(context)
  assert.equal(await target.state(context), 'untouched')
  assert.deepEqual(await sql('placed', `${FACTS} 'placed'`), [{ datconnlimit: 9, comment: 'ours', datallowconn: true }])
  assert.deepEqual(await sql('placed', 'select count(*)::int as n from v'), [{ n: 1 }])
  await assert.rejects(target.undo(context), (error) => isFailure(error, 'refused'))
})

test('in place: what fails leaves the old data, and objects made since the capture are named', async () => {
  await postgres.createDatabase('kept')
  await sql('kept', 'create table t (a int primary key); insert into t values (1)')
  const captured = await captureInto(postgres.settings('kept'), context)
  await sql('kept', 'insert into t values (2); create table newer (b int references t)')
  const target = await openTarget(postgres.settings('kept'), 'in-place')
  await target.fence(context)
  await assert.rejects(target.load(captured.details, captured.source, context), /pg_restore/)
  await assert.rejects(
    target.load(captured.details, sourceOf(captured.dump, captured.dump.length, new Error('not authentic')), context),
    /not authentic/,
  )
  assert.equal(await target.state(context), 'fenced')
  await target.reopen(context)
  assert.deepEqual(await sql('kept', 'select count(*)::int as n from t'), [{ n: 2 }])
  assert.deepEqual(await sql('kept', `${FACTS} 'kept'`), [{ datconnlimit: -1, comment: null, datallowconn: true }])
  await sql('kept', 'alter table newer drop constraint newer_b_fkey')
  await target.fence(context)
  await target.load(captured.details, captured.source, context)
  assert.deepEqual(
    (await target.compare(captured.details, context)).map(({ subject }) => subject),
    ['table public.newer', 'TABLE public newer'],
  )
  await target.reopen(context)
})

test('preflight finds each thing that would fail, and changes nothing', async () => {
  await sql(
    'postgres',
    `drop role if exists weak; create role weak login password 'w'; drop role if exists found_owner; create role found_owner`,
  )
  await postgres.createDatabase('found', 'owner found_owner')
  await sql('found', 'create table t (a int)')
  const { details } = await captureInto(postgres.settings('found'), context)
  const before = await sql(
    'postgres',
    'select datname from pg_database union all select rolname from pg_roles order by 1',
  )
  const target = await openTarget(postgres.settings('found'))
  const find = async (over: Partial<typeof details>): Promise<string[]> =>
    problems(await target.preflight({ ...details, ...over }, context))
  assert.deepEqual(await find({}), [])
  assert.match(String(await find({ serverVersion: 990_001 })), /is older than 99.1/)
  assert.match(
    String(await find({ dumpVersionText: 'pg_dump (PostgreSQL) 99.1' })),
    /a dump of pg_dump 99 cannot be restored/,
  )
  assert.match(String(await find({ collate: 'xx_XX.UTF-8' })), /xx_XX.UTF-8 .* is not on this server/)
  assert.match(
    String(await find({ collate: 'xx_XX.ISO8859-1', encoding: 'LATIN1' })),
    /LATIN1: does not go with .*C.UTF-8/,
  )
  assert.match(
    String(await find({ localeProvider: 'builtin', icuLocale: 'C.UTF-8' })),
    postgres.process !== undefined && postgres.process.major < 17 ? /builtin C.UTF-8 is not on this server/ : /^$/,
  )
  assert.match(
    String(await find({ size: String(10n ** 18n) })),
    postgres.process === undefined ? /./ : /1200000000.00 GB needed/,
  )
  const fingerprint = {
    ...details.fingerprint,
    extensions: [
      { name: 'absent', version: '1' },
      { name: 'citext', version: '0.1' },
    ],
  }
  assert.match(
    String(await find({ fingerprint })),
    /extension absent: is not installed.*extension citext: version 0.1 is not there/,
  )
  const weak = await openTarget(postgres.settings('found', { restoreUser: 'weak', restorePassword: 'w' }))
  const roles = [{ name: 'unborn', attributes: { ...details.roles[0]!.attributes }, memberOf: [], settings: [] }]
  const untrusted = { ...details.fingerprint, extensions: [{ name: 'dblink', version: '1.2' }] }
  const found = String(problems(await weak.preflight({ ...details, roles, fingerprint: untrusted }, context)))
  for (const expected of [
    /may not create databases/,
    /not a member of found_owner/,
    /may not be created: unborn/,
    /cannot restore extension dblink: that takes a superuser/,
  ])
    assert.match(found, expected)
  const wrong = await openTarget(postgres.settings('found', { restoreUser: 'weak', restorePassword: 'wrong' }))
  assert.match(String(problems(await wrong.preflight(details, context))), /refused the login/)
  assert.deepEqual(
    await sql('postgres', 'select datname from pg_database union all select rolname from pg_roles order by 1'),
    before,
  )
})

test('the maintenance database cannot be restored from a session on itself', async () => {
  await assert.rejects(openTarget(postgres.settings('postgres')), (error) => isFailure(error, 'usage'))
})

/** Errors and warnings, but for those that hold for every test on this machine. */
function problems(findings: readonly Finding[]): string[] {
  return findings
    .filter(
      ({ level, message }) =>
        (level === 'error' || level === 'warning') &&
        !/superuser: what|lets a hostile|cannot be brought back/.test(message),
    )
    .map(({ subject, message }) => `${subject}: ${message}`)
}
