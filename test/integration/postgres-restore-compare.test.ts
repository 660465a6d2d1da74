import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { captureInto, openTarget, RESTORE_ID, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const SCHEMA = `create table users (id int primary key, name text); insert into users select n, 'user ' || n from generate_series(1, 50) n;
  create index users_name on users (name); grant select on users to pg_monitor; create sequence tickets; select setval('tickets', 40);
  select lo_from_bytea(4711, decode(repeat('ab', 3000), 'hex')); comment on table users is 'people'`
const SIDE = `compared__r_${RESTORE_ID}`

const defects: readonly (readonly [name: string, plant: string, subject: RegExp])[] = [
  ['a row is gone', 'delete from users where id = 7', /rows of .*users/],
  ['a row is another', `update users set name = 'else' where id = 7`, /content of .*users/],
  ['a sequence is behind', `select setval('tickets', 39)`, /sequence .*tickets/],
  ['a grant is missing', 'revoke select on users from pg_monitor', /ACL .*users/],
  ['an index is missing', 'drop index users_name', /INDEX .*users_name/],
  [
    'a large object is cut',
    'do $$ begin perform lo_truncate(lo_open(4711, 131072), 2999); end $$',
    /large object 4711/,
  ],
  ['a comment is missing', 'comment on table users is null', /COMMENT .*users/],
  ['a table is there that was not captured', 'create table extra (a int)', /TABLE .*extra/],
]

test('the comparison is empty for a good load and red for every planted defect', async (t) => {
  await postgres.createDatabase('compared')
  await sql('compared', SCHEMA)
  const captured = await captureInto(postgres.settings('compared'), context)
  const target = await openTarget(postgres.settings('compared'))
  await target.load(captured.details, captured.source, context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  await sql('postgres', `alter database ${SIDE} rename to compared_good`)
  for (const [name, plant, subject] of defects) {
    await t.test(name, async () => {
      await postgres.createDatabase(SIDE, 'template compared_good')
      await sql(SIDE, plant)
      const subjects = (await target.compare(captured.details, context)).map((difference) => difference.subject)
      assert.ok(
        subjects.some((one) => subject.test(one)),
        JSON.stringify(subjects),
      )
      await postgres.dropDatabase(SIDE)
    })
  }
  await postgres.dropDatabase('compared_good')
})

test('checks of the app: what they expect, what they find, and that they change nothing', async () => {
  await postgres.createDatabase('checked')
  await sql('checked', 'create table t (a int); insert into t values (1)')
  const checks = [
    { name: 'count', sql: 'select count(*) from t', expect: 1 },
    { name: 'wrong', sql: 'select a from t', expect: 2 },
    { name: 'text', sql: `select 'x'`, expect: 'x' },
    { name: 'boolean', sql: 'select true', expect: true },
    { name: 'none', sql: 'select a from t where false', expect: 1 },
    { name: 'writes', sql: 'delete from t', expect: 1 },
    { name: 'two', sql: 'commit; delete from t', expect: 1 },
    { name: 'null', sql: 'select null', expect: 'null' },
  ]
  const settings = postgres.settings('checked', { checks })
  const captured = await captureInto(postgres.settings('checked'), context)
  const target = await openTarget(settings)
  await target.load(captured.details, captured.source, context)
  const found = await target.runChecks(context)
  assert.deepEqual(
    found.map(({ subject }) => subject),
    ['check wrong', 'check none', 'check writes', 'check two', 'check null'],
  )
  assert.match(found[2]?.found ?? '', /read-only/)
  assert.match(found[3]?.found ?? '', /multiple commands/)
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.discard(context)
})

test('a drill on a throw-away server: equal content, the captured roles, and nothing left', async () => {
  await postgres.createDatabase('drilled')
  await sql(
    'postgres',
    `drop role if exists drill_owner; create role drill_owner login; alter database drilled owner to drill_owner; alter database drilled set work_mem to '8MB'`,
  )
  await sql('drilled', `${SCHEMA}; alter table users owner to drill_owner`)
  const settings = postgres.settings('drilled', {
    checks: [{ name: 'users', sql: 'select count(*) from users', expect: 50 }],
  })
  const captured = await captureInto(settings, context)
  const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-scratch-'))
  const target = await openTarget(settings, 'scratch', { scratchFolder })
  try {
    assert.deepEqual(
      (await target.preflight(captured.details, context)).filter(({ level }) => level === 'error'),
      [],
    )
    assert.equal(await target.state(context), 'untouched')
    await target.load(captured.details, captured.source, context)
    assert.equal(await target.state(context), 'staged')
    assert.deepEqual(await target.compare(captured.details, context), [])
    assert.deepEqual(await target.runChecks(context), [])
    await assert.rejects(target.swap(captured.details, context), (error) => isFailure(error, 'refused'))
  } finally {
    await target.discard(context)
  }
  assert.deepEqual(await readdir(scratchFolder), [])
  await rm(scratchFolder, { recursive: true })
})
