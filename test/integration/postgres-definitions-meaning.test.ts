import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureInto, openTarget, RESTORE_ID } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

const TABLES = `create extension citext schema public; create schema m;
  create table m.a (id int primary key, c public.citext); create table m.b (c public.citext); insert into m.a values (1, 'a'), (2, 'B'); insert into m.b values ('A');
  create function m.act() returns trigger language plpgsql as 'begin return new; end'`

/** Written without the operator that they use, so that the search path alone decides which it is. All names are whole. */
const KINDS: readonly (readonly [name: string, drop: string, make: string])[] = [
  ['VIEW m joined', 'drop view if exists m.joined', 'create view m.joined as select a.id from m.a join m.b using (c)'],
  [
    'VIEW m chosen',
    'drop view if exists m.chosen',
    `create view m.chosen as select id, case c when 'A'::public.citext then 1 else 2 end as n from m.a`,
  ],
  [
    'MATERIALIZED VIEW m nulled',
    'drop materialized view if exists m.nulled',
    `create materialized view m.nulled as select id, nullif(c, 'A') as n from m.a`,
  ],
  [
    'TRIGGER m a changed',
    'drop trigger if exists changed on m.a',
    'create trigger changed after update on m.a for each row when (old.c is distinct from new.c) execute function m.act()',
  ],
  [
    'RULE m b told',
    'drop rule if exists told on m.b',
    'create rule told as on update to m.b where old.c is distinct from new.c do also delete from m.a where false',
  ],
  ['POLICY m a seen', 'drop policy if exists seen on m.a', `create policy seen on m.a using (c is distinct from 'x')`],
  [
    'TABLE m checked',
    'drop table if exists m.checked',
    `create table m.checked (c public.citext check (c is distinct from 'x'))`,
  ],
  [
    'TABLE m computed',
    'drop table if exists m.computed',
    `create table m.computed (c public.citext, is_x boolean generated always as (c is distinct from 'x') stored)`,
  ],
  ['INDEX m some', 'drop index if exists m.some', `create index "some" on m.a (id) where c is distinct from 'x'`],
  [
    'STATISTICS m counts',
    'drop statistics if exists m.counts',
    `create statistics m.counts on (c is distinct from 'x'), id from m.a`,
  ],
  [
    'FUNCTION m is_x("public"."citext")',
    'drop function if exists m.is_x',
    `create function m.is_x(c public.citext) returns boolean language sql begin atomic select c is distinct from 'x'; end`,
  ],
  [
    'DOMAIN m word',
    'drop domain if exists m.word',
    `create domain m.word as public.citext check (value is distinct from 'x')`,
  ],
]

async function makeUnder(path: string, database: string): Promise<void> {
  for (const [, drop, make] of KINDS)
    await postgres.sql(database, `set search_path = ${path}; ${drop.replace('m.some', 'm."some"')}; ${make}`)
}

test('what an object uses is part of its definition, also where its text does not show it', async () => {
  await postgres.createDatabase('meant', 'template template0')
  await postgres.sql('meant', TABLES)
  await makeUnder('public', 'meant')
  const { details, source } = await captureInto(postgres.settings('meant'), context)
  const operator = { kind: 'operator', schema: 'public', name: 'public.=(public.citext,public.citext)' }
  for (const [name] of KINDS) {
    const uses = details.fingerprint.depends?.find((one) => one.name === name)?.on ?? []
    assert.deepEqual(
      uses.filter(({ kind }) => kind === 'operator'),
      [operator],
      name,
    )
  }
  const target = await openTarget(postgres.settings('meant'))
  await target.load(details, source, context)
  const side = `meant__r_${RESTORE_ID}`
  await makeUnder(`''`, side)
  const red = (await target.compare(details, context, source)).filter(({ subject }) => subject.startsWith('what '))
  assert.deepEqual(red.map(({ subject }) => subject).toSorted(), KINDS.map(([name]) => `what ${name} uses`).toSorted())
  assert.ok(
    red.every(({ expected }) => expected.startsWith('operator public.=(public.citext,public.citext)')),
    JSON.stringify(red),
  )
  await makeUnder('public', side)
  const green = (await target.compare(details, context, source)).filter(({ subject }) => subject.startsWith('what '))
  assert.deepEqual(green, [])
  await target.discard(context)
})

test('a point that does not say what objects use is compared without it', async () => {
  await postgres.createDatabase('older', 'template template0')
  await postgres.sql('older', `${TABLES}; set search_path = public; ${KINDS[0]?.[2] ?? ''}`)
  const { details, source } = await captureInto(postgres.settings('older'), context)
  const { depends: _, ...fingerprint } = details.fingerprint
  const target = await openTarget(postgres.settings('older'))
  await target.load(details, source, context)
  await postgres.sql(`older__r_${RESTORE_ID}`, `set search_path = ''; drop view m.joined; ${KINDS[0]?.[2] ?? ''}`)
  assert.deepEqual(await target.compare({ ...details, fingerprint }, context, source), [])
  await target.discard(context)
})
