import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { checkReading } from '../../src/components/postgres/check/check-reading.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { captureInto, openTarget, restoreWhole, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'
import { sinkInto } from '../parts/postgres-stored.ts'

const postgres = await startPostgres()
const context = testContext()

const SCHEMA = `create table users (id int primary key); insert into users values (1), (2);
  create schema "Audit Log";
  create table "Audit Log"."Events" (id bigint generated always as identity primary key, who int references users, "what, then" text,
    twice bigint generated always as (who * 2) stored);
  create table visits (at date not null, path text) partition by range (at);
  create table visits_1 partition of visits for values from ('2026-01-01') to ('2026-02-01');
  create table tokens (id serial primary key, value text not null);
  create table notes (what text);
  create materialized view busy as select count(*)::int as n from "Audit Log"."Events";
  create materialized view busier as select n + 1 as n from busy;
  create function note() returns trigger language plpgsql as $$ begin insert into public.notes values ('fired'); return new; end $$;
  create trigger note after insert on "Audit Log"."Events" for each row execute function note();
  create trigger note after insert on visits for each row execute function note();
  insert into "Audit Log"."Events" (who, "what, then") values (1, 'marker-of-rows'), (2, null);
  insert into visits values ('2026-01-05', 'marker-of-rows');
  insert into tokens (value) values ('marker-of-rows'); delete from notes`
const WITHOUT = ['"Audit Log"."Events"', 'public.visits', 'public.tokens']

async function make(database: string, over: Readonly<Record<string, unknown>> = {}): Promise<PostgresSettings> {
  await postgres.createDatabase(database)
  await sql(database, SCHEMA)
  return postgres.settings(database, { withoutRows: WITHOUT, ...over })
}

const ROWS = `select (select json_agg(e order by id) from "Audit Log"."Events" e) as events, (select json_agg(v order by at) from visits v) as visits,
  (select json_agg(json_build_array(id, value) order by id) from tokens) as tokens`
const errorsOf = (findings: readonly { level: string; subject: string; message: string }[]): string[] =>
  findings.filter(({ level }) => level === 'error').map(({ subject, message }) => `${subject} ${message}`)

test('rows are left out and named; a drill expects none; a swap carries the live ones over, and undo brings all back', async () => {
  const settings = await make('left_out')
  const captured = await captureInto(settings, context)
  assert.deepEqual(
    captured.details.withoutRows?.map(({ name }) => name),
    ['"Audit Log"."Events"', 'public.visits', 'public.tokens'],
  )
  assert.equal(String(captured.dump).includes('marker-of-rows'), false)
  assert.deepEqual(
    captured.details.fingerprint.tables.filter(({ rows }) => rows !== '0').map(({ name }) => name),
    ['public.users'],
  )

  const scratchFolder = await makeTemporaryFolder()
  after(() => rm(scratchFolder, { recursive: true, force: true }))
  const drill = await openTarget(settings, 'scratch', { scratchFolder })
  await drill.load(captured.details, captured.source, context)
  assert.deepEqual(await drill.compare(captured.details, context, captured.source), [])
  assert.match(drill.remarks?.().join('; ') ?? '', /not proven: rows of public\.visits/)
  await drill.discard(context)

  await sql(
    'left_out',
    `create table visits_2 partition of visits for values from ('2026-02-01') to ('2026-03-01');
    insert into visits values ('2026-02-07', E'tab\\t, "quote", \\\\N, line\\nbreak'), ('2026-01-09', null);
    alter table tokens add column born date default now(); insert into tokens (value) select 'later' from generate_series(1, 500);
    insert into "Audit Log"."Events" (who, "what, then") values (2, 'later'); insert into users values (9); delete from notes`,
  )
  const live = await sql('left_out', ROWS)
  const target = await openTarget(settings)
  const findings = await target.preflight(captured.details, context)
  assert.deepEqual(errorsOf(findings), [])
  assert.ok(
    findings.some(({ level, message }) => level === 'warning' && /Events_who_fkey.*stops the swap/.test(message)),
  )
  await restoreWhole(target, captured, context)
  assert.deepEqual(await sql('left_out', ROWS), live)
  assert.match(
    target.remarks?.().join('; ') ?? '',
    /501 live rows of public\.tokens were carried over, without columns.*born/,
  )
  assert.deepEqual(
    await sql(
      'left_out',
      'select (select count(*)::int from users) as users, (select count(*)::int from notes) as notes',
    ),
    [{ users: 2, notes: 0 }],
  )
  assert.deepEqual(await sql('left_out', 'select (select n from busy) as busy, (select n from busier) as busier'), [
    { busy: 3, busier: 4 },
  ])
  assert.deepEqual(await sql('left_out', `insert into tokens (value) values ('next') returning id`), [{ id: 502 }])
  assert.deepEqual(await sql('left_out', `select distinct tgenabled from pg_trigger where not tgisinternal`), [
    { tgenabled: 'O' },
  ])
  assert.deepEqual(await sql('left_out', `select conname from pg_constraint where contype = 'f' and condeferrable`), [])
  await sql('left_out', `insert into "Audit Log"."Events" (who) values (1); insert into visits values ('2026-02-08')`)
  assert.deepEqual(await sql('left_out', 'select count(*)::int as n from notes'), [{ n: 2 }])
  await target.undo(context)
  assert.deepEqual(await sql('left_out', ROWS), live)
  await target.forget(context)
})

test('a live row that refers to nothing in the point stops the swap, and is left out if that is accepted', async () => {
  await sql(
    'postgres',
    `drop role if exists app_owner; create role app_owner login; drop role if exists app_restore;
    create role app_restore login createdb password 'r' in role app_owner, pg_signal_backend`,
  )
  await postgres.createDatabase('misfitting', 'owner app_owner')
  await sql('misfitting', `set role app_owner; ${SCHEMA}`)
  const asRestorer = { restoreUser: 'app_restore', restorePassword: 'r' }
  const settings = postgres.settings('misfitting', { withoutRows: WITHOUT, ...asRestorer })
  const captured = await captureInto(settings, context)
  await sql(
    'misfitting',
    `set role app_owner; create table visits_2 partition of visits for values from ('2026-02-01') to ('2026-03-01');
    insert into visits values ('2026-02-03'); insert into users values (9); insert into "Audit Log"."Events" (who) values (9), (9), (2)`,
  )
  const live = await sql('misfitting', ROWS)
  const target = await openTarget(settings)
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  await assert.rejects(
    target.swap(captured.details, context),
    (error) =>
      isFailure(error, 'refused') &&
      /2 rows of "Audit Log"\."Events" \(foreign key "Events_who_fkey"\).*public\.users/.test(error.message) &&
      error.facts['accept'] === 'without-rows without-live-rows',
  )
  await target.reopen(context)
  assert.deepEqual(await sql('misfitting', ROWS), live)
  const agreed = await openTarget(settings, 'swap', { accept: ['without-rows'] })
  await agreed.fence(context)
  await agreed.swap(captured.details, context)
  await agreed.reopen(context)
  assert.deepEqual(await sql('misfitting', 'select array_agg(id::int order by id) as ids from "Audit Log"."Events"'), [
    { ids: [1, 2, 5] },
  ])
  assert.match(agreed.remarks?.().join('; ') ?? '', /left out, as accepted: 2 rows/)
  assert.deepEqual(
    await sql(
      'misfitting',
      `select tableowner, (select count(*)::int from visits_2) as n from pg_tables where tablename = 'visits_2'`,
    ),
    [{ tableowner: 'app_owner', n: 1 }],
  )
  assert.deepEqual(
    await sql('misfitting', `select conname from pg_constraint where contype = 'f' and condeferrable`),
    [],
  )
})

test('the settings may have changed between capture and restore; no live row is lost either way', async () => {
  const settings = await make('changing')
  const before = await captureInto({ ...settings, withoutRows: [] }, context)
  const after = await captureInto(settings, context)
  await sql('changing', `insert into tokens (value) values ('later'); truncate visits`)
  const live = await sql('changing', ROWS)
  const turnedOn = await openTarget(settings)
  await restoreWhole(turnedOn, before, context)
  // Nothing is live of visits: what the point has of it comes back.
  const [first] = await sql('changing', ROWS)
  assert.deepEqual({ ...first, visits: null }, { ...live[0], visits: null })
  assert.equal((await sql('changing', 'select count(*)::int as n from visits'))[0]?.['n'], 1)
  await turnedOn.undo(context)
  await turnedOn.forget(context)
  const died = await openTarget({ ...settings, withoutRows: [] })
  await died.load(after.details, after.source, context)
  await died.fence(context)
  // Only the point says what is to be carried, and the fence is up already.
  const turnedOff = await openTarget({ ...settings, withoutRows: [] })
  await turnedOff.swap(after.details, context)
  await turnedOff.reopen(context)
  assert.deepEqual(await sql('changing', ROWS), live)
  await turnedOff.undo(context)
  await turnedOff.forget(context)

  const inPlace = await openTarget(settings, 'in-place')
  assert.match(
    errorsOf(await inPlace.preflight(after.details, context)).join('; '),
    /tokens has live rows that no restore point has/,
  )
  await inPlace.fence(context)
  await assert.rejects(inPlace.load(after.details, after.source, context), (error) => isFailure(error, 'refused'))
  await inPlace.reopen(context)
  assert.deepEqual(await sql('changing', ROWS), live)
  const agreed = await openTarget(settings, 'in-place', { accept: ['without-live-rows'] })
  await agreed.fence(context)
  await agreed.load(after.details, after.source, context)
  assert.deepEqual(await agreed.compare(after.details, context, after.source), [])
  await agreed.reopen(context)
  assert.deepEqual(await sql('changing', 'select count(*)::int as n from tokens'), [{ n: 0 }])
})

test('check and capture refuse what would not come back, and name the way on', async () => {
  await make('refusing_rows')
  await sql('refusing_rows', 'create view seen as select 1 as one')
  const check = (withoutRows: string[]): Promise<string[]> =>
    withSession(postgres.server, 'refusing_rows', context, async (session) =>
      errorsOf(await checkReading(session, postgres.settings('refusing_rows', { withoutRows }))),
    )
  assert.deepEqual(await check(WITHOUT), [])
  assert.deepEqual(await check(['public.absent']), ['table without rows public.absent does not exist'])
  assert.deepEqual(await check(['public.seen']), ['table without rows public.seen is a view and no table'])
  assert.match(
    (await check(['public.users'])).join(),
    /is referred to by "Audit Log"\."Events" \(foreign key "Events_who_fkey"\)/,
  )
  assert.deepEqual(await check(['public.users', '"Audit Log"."Events"']), [])
  const settings = postgres.settings('refusing_rows', { withoutRows: ['public.users'] })
  await assert.rejects(
    capture(settings, sinkInto(new Map()), context),
    (error) => isFailure(error, 'refused') && /Add "Audit Log"\."Events" to withoutRows too/.test(error.hint ?? ''),
  )
  assert.throws(() => postgres.settings('refusing_rows', { withoutRows: ['events'] }), /expected schema\.table/)
})

test('a partition and a child by themselves, in one stream too, and with counts alone', async () => {
  const settings = await make('parts', { withoutRows: ['public.visits_1', 'public.grown'], fingerprint: 'drill' })
  await sql(
    'parts',
    `create table visits_2 partition of visits for values from ('2026-02-01') to ('2026-03-01'); insert into visits values ('2026-02-02', 'kept');
    create table grown () inherits (notes); insert into grown values ('left'); insert into notes values ('kept')`,
  )
  const rowsOf = (fingerprint: { tables: readonly { name: string; rows: string }[] }): unknown =>
    Object.fromEntries(fingerprint.tables.map(({ name, rows }) => [name, rows]))
  const expected = { 'public.visits_1': '0', 'public.visits_2': '1', 'public.grown': '0', 'public.notes': '2' }
  for (const attempt of [1, 4]) {
    const contents = new Map<string, Buffer>()
    const { details, onPurpose } = await capture(settings, { ...sinkInto(contents), attempt }, context)
    const found = rowsOf(details.fingerprint) as Record<string, string>
    assert.deepEqual({ ...found, ...expected }, found)
    assert.equal(onPurpose?.length, 2)
    const dump = String(contents.get('dump'))
    assert.deepEqual([dump.includes('2026-02-02'), dump.includes('2026-01-05')], [true, false])
  }
})
