import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { sinkInto, sourceFrom } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const DATABASE = 'hostile'
/** All rows but those of very small tables go in lanes. */
const LANES = { tableBytes: 10_000, laneBytes: 100_000, most: 100 }

/** A function in each place where one is called for every row that is copied in. It works for its owner only. */
const PLACES = `create table checked (a int check (s.spy(a) > 0));
  create operator s.<<< (leftarg = int, rightarg = int, function = s.spy2); create table compared (a int check (a operator(s.<<<) 1 > 0));
  create table hidden (a int check (query_to_xml('select s.spy(1)', false, false, '') is not null));
  create domain d as int check (s.spy(value) > 0); create table of_domain (a d);
  create type r as (x d); create table "in rows" (a int, b r[]);
  create table cast_to_domain (a int check (a::d > 0));
  create table generated (a int, g int generated always as (s.spy(a)) stored);
  create table p (a int) partition by range (s.spy(a)); create table in_partition partition of p default;`
const TABLES = ['checked', 'compared', 'hidden', 'of_domain', 'cast_to_domain', 'generated', 'p']

async function make(sql: string): Promise<void> {
  await postgres.createDatabase(DATABASE, 'template template0')
  await postgres.sql(DATABASE, `grant create on schema public to mallory; create schema s authorization mallory`)
  const spy = `language plpgsql immutable as 'begin if current_user <> ''mallory'' then raise exception ''ran as %'', current_user; end if; return 1; end'`
  const functions = `create function s.spy(int) returns int ${spy}; create function s.spy2(int, int) returns int ${spy}`
  await postgres.sql(DATABASE, `set role mallory; set search_path = public; ${functions}; ${sql}`)
}

/** Loads beside as `user`, and gives what the comparison says. */
async function differences(user: string): Promise<string[]> {
  const settings = postgres.settings(DATABASE, { rowCheckSeconds: 0 })
  const contents = new Map<string, Buffer>()
  const { details } = await capture(settings, sinkInto(contents), context, LANES)
  const target = await openTarget(postgres.settings(DATABASE, { user, password: 'x' }))
  await target.load(details, sourceFrom(contents), context)
  const found = await target.compare(details, context)
  await target.discard(context)
  return found.map(({ subject }) => subject)
}

await postgres.sql(
  'postgres',
  `create role mallory login password 'x'; create role root superuser login password 'x';
   create role restorer createdb login bypassrls password 'x'; grant mallory to restorer; grant pg_read_all_data to restorer`,
)

for (const rows of [5, 2000]) {
  test(`code that is run for each of ${rows} rows is run as its owner while they are loaded`, async () => {
    const numbers = `select n from generate_series(1, ${rows}) n`
    const filled = TABLES.map((table) => `insert into ${table} (a) ${numbers}`).join(';')
    await make(`${PLACES} ${filled}; insert into "in rows" (b) select array[row(n)::r] from (${numbers}) n`)
    assert.deepEqual(await differences('root'), [])
  })
}

test('who is no superuser does so too, and an owner who may not write to his own table gets the right for the load', async () => {
  await make(
    `create table t (a int check (s.spy(a) > 0)); insert into t select n from generate_series(1, 2000) n; revoke insert, truncate on t from mallory;
     create table s.u (a int check (s.spy(a) > 0)); insert into s.u values (1); revoke all on s.u from mallory;
     create table plain (a int primary key); insert into plain select n from generate_series(1, 3000) n`,
  )
  assert.deepEqual(await differences('root'), [])
  await postgres.sql(DATABASE, `alter schema s owner to mallory; alter database ${DATABASE} owner to mallory`)
  assert.deepEqual(await differences('restorer'), [])
})
