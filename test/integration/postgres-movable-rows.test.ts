import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { sinkInto, sourceFrom } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const DATABASE = 'movable'
const SMALL_LANES = { tableBytes: 100_000, laneBytes: 100_000, most: 100 }
const SIDE = 'movable__r_1a2b3c4d'

async function store(sql: string, over: Readonly<Record<string, unknown>> = {}): Promise<Stored> {
  await postgres.createDatabase(DATABASE, `template template0 locale 'C.UTF-8'`)
  await postgres.sql(DATABASE, `set search_path = public; ${sql}`)
  const contents = new Map<string, Buffer>()
  const settings = postgres.settings(DATABASE, { rowCheckSeconds: 0, ...over })
  const { details, notCaptured } = await capture(settings, sinkInto(contents), context, SMALL_LANES)
  return { details, notCaptured, source: sourceFrom(contents) }
}

/** Loads beside, lets `meanwhile` change what was loaded, and gives what the comparison says. */
async function differences({ details, source }: Stored, meanwhile = 'select 1'): Promise<string[]> {
  const target = await openTarget(postgres.settings(DATABASE))
  await target.load(details, source, context)
  await postgres.sql(SIDE, `set search_path = public; ${meanwhile}`)
  const found = await target.compare(details, context)
  await target.discard(context)
  return found.map(({ subject }) => subject)
}

const MOOD = `create type mood as enum ('a','b','c','d','e','f','g','h','i','j');`
const HASHED = `
  create table t0 partition of t for values with (modulus 3, remainder 0);
  create table t1 partition of t for values with (modulus 3, remainder 1);
  create table t2 partition of t for values with (modulus 3, remainder 2);`

const KEYS: Readonly<Record<string, readonly [types: string, type: string, value: string]>> = {
  'an enum': [MOOD, 'mood', '(enum_range(null::mood))[1 + n % 10]'],
  'an array of enums': [MOOD, 'mood[]', 'array[(enum_range(null::mood))[1 + n % 10]]'],
  'a domain over an enum': [`${MOOD} create domain temper as mood;`, 'temper', '(enum_range(null::mood))[1 + n % 10]'],
  'a row with an enum': [
    `${MOOD} create type pair as (a mood, b int);`,
    'pair',
    'row((enum_range(null::mood))[1 + n % 10], n)::pair',
  ],
  citext: ['create extension citext;', 'citext', `'Word ' || n`],
}

for (const [what, [types, type, value]] of Object.entries(KEYS)) {
  test(`rows in partitions by the hash of ${what} are loaded and compared at the root`, async () => {
    const stored = await store(
      `${types} create table t (id int, m ${type} not null) partition by hash (m); ${HASHED}
       insert into t select n, ${value} from generate_series(1, 100) n`,
    )
    const named = stored.details.fingerprint.tables.map(({ name, rows, partitioned }) => [name, rows, partitioned])
    assert.deepEqual(named, [['public.t', '100', true]])
    assert.deepEqual(await differences(stored), [])
    if (what !== 'an enum') return
    assert.deepEqual(await differences(stored, 'update t set id = 0 where id = 7'), ['content of public.t'])
    assert.deepEqual(await differences(stored, 'delete from t where id = 7'), ['rows of public.t'])
  })
}

test('so are rows in lanes, also when nothing but numbers of rows is compared', async () => {
  const sql = `${MOOD} create table t (id int, m mood not null, b text) partition by range (id);
    create table early partition of t for values from (0) to (1000) partition by hash (m);
    create table late (b text, m mood not null, id int);
    alter table t attach partition late for values from (1000) to (3000);
    create table e0 (gone int, b text, m mood not null, id int); alter table e0 drop column gone;
    alter table early attach partition e0 for values with (modulus 2, remainder 0);
    create table e1 partition of early for values with (modulus 2, remainder 1);
    create index on e0 (id); create unique index on e1 (id, m);
    insert into t select n, (enum_range(null::mood))[1 + n % 10], repeat(md5(n::text), 20) from generate_series(1, 1400) n`
  const stored = await store(sql)
  const into = stored.details.lanes.map(({ table, into }) => `${table} > ${into?.table ?? table}`)
  assert.deepEqual([...new Set(into)].toSorted(), ['e0 > early', 'e1 > early', 'late > late'])
  assert.deepEqual(
    stored.details.fingerprint.tables.map(({ name }) => name),
    ['public.early', 'public.late'],
  )
  assert.deepEqual(await differences(stored), [])
  const counted = await store(sql, { fingerprint: 'drill' })
  assert.deepEqual(
    counted.details.fingerprint.tables.map(({ name, rows }) => [name, rows]),
    [
      ['public.early', '999'],
      ['public.late', '401'],
    ],
  )
  assert.deepEqual(await differences(counted), [])
})

test('partitions whose rows stay where they are count for themselves, and a row in another one is a difference', async () => {
  const stored = await store(
    `create table t (id int, m text not null) partition by hash (m); ${HASHED}
     create table a (id uuid[], at timestamptz, w text) partition by hash (id, at);
     create table a0 partition of a for values with (modulus 1, remainder 0);
     create table l (w text) partition by range (w); create table l1 partition of l for values from ('a') to ('b');
     create table d (at date) partition by range (at); create table d1 partition of d default;
     insert into t select n, 'w' || n from generate_series(1, 100) n`,
  )
  assert.deepEqual(
    stored.details.fingerprint.tables.map(({ name }) => name),
    ['public.a0', 'public.d1', 'public.l1', 'public.t0', 'public.t1', 'public.t2'],
  )
  assert.deepEqual(await differences(stored), [])
  const moved = `set session authorization default; delete from t0 where id = (select min(id) from t0)`
  assert.deepEqual(await differences(stored, moved), ['rows of public.t0'])
})

test('partitions by the order of a collation count at the root', async () => {
  const stored = await store(
    `create table l (w text collate "en-x-icu") partition by range (w);
     create table l1 partition of l for values from ('a') to ('b'); create table l2 partition of l default;
     insert into l values ('ab'), ('zz'), ('Ab')`,
  )
  assert.deepEqual(
    stored.details.fingerprint.tables.map(({ name, rows }) => [name, rows]),
    [['public.l', '3']],
  )
  assert.deepEqual(await differences(stored), [])
})
