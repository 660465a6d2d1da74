import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Bytes, Context } from '../../src/core/ports.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { sinkInto, sourceFrom } from '../parts/postgres-stored.ts'

const postgres = await startPostgres()
const context = testContext()
const limit = { timeout: 120_000 }

/** An index whose function reads another table, which it must not, and which dumps of such databases survive. */
const TABLES = `
  create table rates (id int primary key, rate numeric not null);
  insert into rates select n, n * 1.5 from generate_series(1, 20000) n;
  create function rate_of(which int) returns numeric language sql immutable as 'select rate from public.rates where id = which';
  create table orders (id bigint primary key, rate_id int not null references rates, paid daterange, note text, constraint never_twice exclude using gist (paid with &&));
  insert into orders select n, 1 + n % 20000, case when n < 500 then daterange('2020-01-01'::date + n * 2, '2020-01-01'::date + n * 2 + 1) end, repeat('note ', n % 20) from generate_series(1, 40000) n;
  create index orders_aaa on orders (note);
  comment on index orders_aaa is 'first of all';
  create index orders_rate on orders (rate_of(rate_id));
  create index orders_note on orders (lower(note)) where id > 100;
  comment on index orders_note is 'early, and with a comment';
  comment on constraint orders_pkey on orders is 'the key';
  create unique index orders_identity on orders (id, rate_id);
  create table parts (id int not null, at date not null, primary key (id, at)) partition by range (at);
  create table parts_old partition of parts for values from ('2020-01-01') to ('2021-01-01');
  create table parts_new partition of parts for values from ('2021-01-01') to ('2022-01-01');
  create index parts_at on parts (at);
  insert into parts select n, date '2020-01-01' + n % 700 from generate_series(1, 20000) n;
  create statistics orders_together on rate_id, note from orders;
`

/** Every table gets lanes, however small. */
async function captureInLanes(settings: PostgresSettings, tableBytes = 1) {
  const contents = new Map<string, Buffer>()
  const limits = { tableBytes, laneBytes: 1024 * 1024, most: 1000 }
  const { details } = await capture(settings, sinkInto(contents), context, limits)
  return { details, source: sourceFrom(contents), contents }
}

async function make(database: string): Promise<PostgresSettings> {
  await postgres.createDatabase(database)
  await postgres.sql(database, `set search_path = public; ${TABLES}`)
  return { ...postgres.settings(database), restoreJobs: 2 }
}

/** Names of the indexes that a point says can be made early. */
async function namesOf(database: string, { indexRuns = [] }: PostgresDetails, isEarly = true): Promise<string[]> {
  const oids = indexRuns
    .filter(({ early }) => early === isEarly)
    .flatMap(({ entries }) => entries.map(({ oid }) => oid))
  const { rows } = await withSession(postgres.server, database, context, (session) =>
    session.query<{ name: string }>(
      `select coalesce(k.conname, c.relname)::text as name from unnest($1::oid[]) o(oid) left join pg_class c on c.oid = o.oid left join pg_constraint k on k.oid = o.oid`,
      [oids],
    ),
  )
  return rows.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1))
}

test(
  'indexes that need nothing but their own table are made while others load, and all comes back',
  limit,
  async () => {
    const settings = await make('early')
    const { details, source } = await captureInLanes(settings)
    assert.deepEqual(await namesOf('early', details), [
      'never_twice',
      'orders_aaa',
      'orders_identity',
      'orders_note',
      'orders_pkey',
      'parts_new_at_idx',
      'parts_new_pkey',
      'parts_old_at_idx',
      'parts_old_pkey',
      'rates_pkey',
    ])
    const runs: string[] = []
    const watched: Context = {
      ...context,
      effects: {
        run: (name, act) => {
          runs.push(name)
          return context.effects.run(name, act)
        },
      },
    }
    const target = await openTarget(settings, 'swap', { restoreId: '0e0e0e0e' })
    await target.load(details, source, watched)
    // Before the rows, of the dump's rows, of each of four tables, and of the rest.
    assert.equal(runs.filter((name) => name === 'pg_restore').length, 7)
    assert.deepEqual(await target.compare(details, context), [])
    const { rows } = await withSession(postgres.server, 'early__r_0e0e0e0e', context, (session) =>
      session
        .query(
          `set enable_seqscan = off; select count(*)::int as found, (select count(*)::int from pg_description where objoid = any (array['public.orders_aaa', 'public.orders_note']::regclass[])) as comments,
        (select count(*)::int from pg_index where not indisvalid) as invalid from public.orders where public.rate_of(rate_id) = 3.0`,
        )
        .then((results: unknown) => (Array.isArray(results) ? results[1] : results)),
    )
    assert.deepEqual(rows, [{ found: 2, comments: 2, invalid: 0 }])
    await target.discard(context)
  },
)

test('an early index that cannot be made fails the restore, and leaves no side database', limit, async () => {
  const settings = await make('early_broken')
  await postgres.sql(
    'early_broken',
    'create domain public.positive as int check (value > 0); create table public.once (id public.positive primary key); insert into public.once select generate_series(1, 1000)',
  )
  const { details, source, contents } = await captureInLanes(settings)
  const lane = details.lanes.find(({ table }) => table === 'once')
  assert.equal(lane?.format, 'text')
  assert.ok(details.indexRuns?.some(({ table, early }) => table === 'once' && early))
  const whole = source.read(lane.role)
  const twice = {
    ...source,
    read: (role: string) => (role === lane.role ? followedBy(whole, Buffer.from('7\n')) : source.read(role)),
  }
  assert.ok((contents.get(lane.role)?.length ?? 0) > 0)
  const target = await openTarget(settings, 'swap', { restoreId: '0e0e0e0f' })
  await assert.rejects(target.load(details, twice, context), /could not create unique index "once_pkey"/)
  assert.equal(await target.state(context), 'untouched')
})

async function* followedBy(content: Bytes, more: Uint8Array): Bytes {
  yield* content
  yield more
}

test('with one session, and of points that do not say, all indexes are made at the end', limit, async () => {
  const settings = await make('late')
  const { details, source } = await captureInLanes(settings)
  const { indexRuns: _, ...silent } = details
  for (const [given, jobs] of [
    [details, 1],
    [silent, 2],
  ] as const) {
    const target = await openTarget({ ...settings, restoreJobs: jobs }, 'swap', { restoreId: '0e0e0e10' })
    await target.load(given, source, context)
    assert.deepEqual(await target.compare(details, context), [])
    await target.discard(context)
  }
})

/** The first two indexes lock the table when they are there; a third calls a function of the user's. */
const LOCKING = `
  create function public.same(what text) returns text language sql immutable as 'select what';
  create table locked (id int not null, note text not null);
  insert into locked select n, md5(n::text) from generate_series(1, 130000) n;
  create unique index locked_a on locked (note, id);
  create index locked_b on locked (note);
  create index locked_c on locked (same(note));
  alter table locked replica identity using index locked_a;
  alter table locked cluster on locked_b;
  create table clustered (id int primary key, note text);
  create index clustered_note on clustered (note);
  alter table clustered cluster on clustered_note;
`

for (const lanes of [true, false]) {
  test(
    `indexes that lock their table are made one after the other, ${lanes ? 'with' : 'without'} lanes`,
    limit,
    async () => {
      await postgres.createDatabase('locking')
      await postgres.sql('locking', `set search_path = public; ${LOCKING}`)
      const settings = { ...postgres.settings('locking'), restoreJobs: 3 }
      const { details, source } = await captureInLanes(settings, lanes ? 1 : 2 ** 40)
      assert.equal(details.lanes.length > 0, lanes)
      assert.deepEqual(await namesOf('locking', details, false), ['locked_a', 'locked_b', 'locked_c'])
      const target = await openTarget(settings, 'swap', { restoreId: '0e0e0e11' })
      await target.load(details, source, context)
      assert.deepEqual(await target.compare(details, context), [])
      await target.discard(context)
    },
  )
}
