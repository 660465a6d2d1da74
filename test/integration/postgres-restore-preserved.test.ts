import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { captureInto, openTarget, restoreWhole, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

const SCHEMA = `create table users (id int primary key); insert into users values (1), (2);
  create schema "Odd Jobs";
  create table "Odd Jobs"."Steps" (id bigserial primary key, job int not null, "what, then" text, twice int generated always as (job * 2) stored);
  create table jobs (id int generated always as identity primary key, owner int references users, state text default 'new');
  alter table "Odd Jobs"."Steps" add foreign key (job) references jobs;
  create table audit (what text);
  create function note() returns trigger language plpgsql as $$ begin insert into public.audit values ('inserted'); return new; end $$;
  create trigger note after insert on jobs for each row execute function note();
  create trigger noted after insert on jobs for each row execute function note();
  alter table jobs enable always trigger noted;
  insert into jobs (owner) values (1);
  insert into "Odd Jobs"."Steps" (job, "what, then") values (1, 'first')`
const PRESERVE = ['"Odd Jobs"."Steps"', 'public.jobs']

test('preserved tables keep their live rows and sequences, without their triggers firing', async () => {
  await postgres.createDatabase('jobs')
  await sql('jobs', SCHEMA)
  const settings = postgres.settings('jobs', { preserve: PRESERVE })
  const captured = await captureInto(settings, context)
  await sql(
    'jobs',
    `insert into jobs (owner) values (2), (2); insert into "Odd Jobs"."Steps" (job, "what, then") values (3, E'tab\\t, "quote", \\\\N, line\\nbreak'), (2, null);
    insert into users values (9); delete from audit`,
  )
  const rows = `select (select json_agg(j order by id) from jobs j) as jobs, (select json_agg(s order by id) from "Odd Jobs"."Steps" s) as steps,
    (select last_value::text from jobs_id_seq) as job, (select last_value::text from "Odd Jobs"."Steps_id_seq") as step`
  const live = await sql('jobs', rows)
  const target = await openTarget(settings)
  assert.deepEqual(
    (await target.preflight(captured.details, context)).filter(({ level }) => level === 'error'),
    [],
  )
  await restoreWhole(target, captured, context)
  assert.deepEqual(await sql('jobs', rows), live)
  assert.deepEqual(
    await sql('jobs', 'select (select count(*)::int from users) as users, (select count(*)::int from audit) as audit'),
    [{ users: 2, audit: 2 }],
  )
  assert.deepEqual(await sql('jobs', `select tgname, tgenabled from pg_trigger where not tgisinternal order by 1`), [
    { tgname: 'note', tgenabled: 'O' },
    { tgname: 'noted', tgenabled: 'A' },
  ])
  assert.deepEqual(await sql('jobs', 'insert into jobs (owner) values (1) returning id'), [{ id: 4 }])
  await target.undo(context)
  await target.forget(context)
})

test('a live row that does not fit the restored ones stops the swap and changes nothing', async () => {
  await postgres.createDatabase('misfit')
  await sql('misfit', SCHEMA)
  const settings = postgres.settings('misfit', { preserve: PRESERVE })
  const captured = await captureInto(settings, context)
  await sql('misfit', 'insert into users values (9); insert into jobs (owner) values (9)')
  const target = await openTarget(settings)
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  await assert.rejects(target.swap(captured.details, context), /jobs_owner_fkey/)
  assert.equal(await target.state(context), 'fenced')
  await target.reopen(context)
  assert.deepEqual(await sql('misfit', 'select count(*)::int as n from jobs'), [{ n: 2 }])
  await target.discard(context)
})

test('a run that died behind the fence is resumed by another: what it needs is had again, and nothing is lost', async () => {
  await postgres.createDatabase('resumed')
  await sql('resumed', SCHEMA)
  const settings = postgres.settings('resumed', { preserve: PRESERVE })
  const captured = await captureInto(settings, context)
  await sql('resumed', 'insert into jobs (owner) values (2)')
  const first = await openTarget(settings)
  await first.load(captured.details, captured.source, context)
  await first.fence(context)
  const second = await openTarget(settings)
  assert.equal(await second.state(context), 'fenced')
  await second.swap(captured.details, context)
  await second.reopen(context)
  assert.deepEqual(await sql('resumed', 'select count(*)::int as n from jobs'), [{ n: 2 }])
})

test('preflight and swap refuse tables that cannot be preserved', async () => {
  await postgres.createDatabase('refusing')
  await sql('refusing', SCHEMA)
  const captured = await captureInto(postgres.settings('refusing'), context)
  await sql('refusing', 'create table newer (a int); alter table users add column born date')
  const errors = async (preserve: string[]): Promise<string[]> => {
    const target = await openTarget(postgres.settings('refusing', { preserve }))
    return (await target.preflight(captured.details, context))
      .filter(({ level }) => level === 'error')
      .map(({ subject }) => subject)
  }
  assert.deepEqual(await errors(['public.newer']), ['preserved table public.newer'])
  assert.deepEqual(await errors(['public.absent']), ['preserved table public.absent'])
  assert.deepEqual(await errors(['public.jobs']), ['preserved table public.jobs'])
  const target = await openTarget(postgres.settings('refusing', { preserve: ['public.users'] }))
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  await assert.rejects(
    target.swap(captured.details, context),
    (error) => isFailure(error, 'refused') && /other columns/.test(error.message),
  )
  await target.discard(context)
  await target.reopen(context)
})
