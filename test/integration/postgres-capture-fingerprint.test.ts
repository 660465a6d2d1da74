import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { DUMP_OPTIONS, readDefinitions } from '../../src/components/postgres/fingerprint/definitions.ts'
import { compareFingerprints } from '../../src/components/postgres/fingerprint/fingerprint-compare.ts'
import { readFingerprint } from '../../src/components/postgres/fingerprint/fingerprint.ts'
import type { Fingerprint } from '../../src/components/postgres/schema.ts'
import { withSnapshot } from '../../src/components/postgres/connection/snapshot.ts'
import type { Snapshot } from '../../src/components/postgres/connection/snapshot.ts'
import { runTool, streamTool } from '../../src/components/postgres/tools/tool-run.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const { server } = postgres
const context = testContext()
const limits = { idleLimit: 60_000, totalLimit: 120_000 }
const [version] = await postgres.sql('postgres', "select current_setting('server_version_num')::int as n")
const tools = await chooseTools(Number(version?.['n']), {}, context)

async function fingerprintOf(database: string): Promise<Fingerprint> {
  const read = async ({ name, sessions }: Snapshot): Promise<Fingerprint> => {
    const definitions = await readDefinitions({ tools, server, database, limits, snapshot: name }, context)
    return readFingerprint(sessions, definitions, tools.major, context)
  }
  return withSnapshot({ server, database, count: 2 }, context, read, (reason) => Promise.reject(new Error(reason)))
}

/** One of everything that has content or a definition of its own. */
const RICH = `
  create schema "Odd; Schema"; create type public.mood as enum ('sad', 'ok'); create domain public.percent as int check (value between 0 and 100);
  create type public.pair as (a int, b text); create collation public.nondeterministic (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table public.everything (id bigint generated always as identity primary key, flag boolean, small int2, amount numeric(12, 4), ratio float8, real_ratio float4, label text default 'x', code varchar(10), fixed char(8),
    raw bytea, at timestamptz, on_day date, took interval, doc jsonb, old_doc json, who uuid, tags text[], state public.mood, part public.percent, combined public.pair, address inet, found tsvector,
    area int4range, place point, doubled numeric generated always as (amount * 2) stored, loose text collate public.nondeterministic, dropped int);
  alter table public.everything drop column dropped;
  insert into public.everything (flag, small, amount, ratio, real_ratio, code, fixed, raw, at, on_day, took, doc, old_doc, who, tags, state, part, combined, address, found, area, place, loose)
    select n % 2 = 0, n, n / 3.0, n / 7.0, n / 9.0, 'c' || n, 'f' || n, decode(md5(n::text), 'hex'), '2026-01-01 00:00Z'::timestamptz + n * interval '1 hour', '2026-01-01'::date + n, n * interval '1 day', jsonb_build_object('n', n, 'v', 1.50),
      json_build_object('n', n), md5(n::text)::uuid, array['a', n::text], 'ok', n % 100, row(n, 'b')::public.pair, '10.0.0.1', to_tsvector('simple', 'word' || n), int4range(n, n + 5), point(n, n), 'Löose' from generate_series(1, 300) n;
  insert into public.everything (flag) values (null);
  create table public."with ""quotes"".and dot" ("a ""b" int, "ünï" text); insert into public."with ""quotes"".and dot" values (1, 'é');
  create table public.nothing (); insert into public.nothing default values; create table "Odd; Schema".empty (n int);
  create table public.parts (k int, v text) partition by range (k); create table public.parts_low partition of public.parts for values from (0) to (10); create table public.parts_high partition of public.parts default;
  insert into public.parts select n, 'v' from generate_series(1, 20) n;
  create table public.parent (n int); create table public.child (m int) inherits (public.parent); insert into public.parent values (1); insert into public.child values (2, 3);
  create unlogged table public.volatile_rows as select 1 as n; create sequence public.counter; select nextval('public.counter'); create sequence public.unused;
  create index everything_label on public.everything (label); create view public.seen as select id from public.everything; create materialized view public.totals as select count(*) from public.everything;
  create function public.twice(n int) returns int language sql as $$ select
-- Name: not; Type: A HEADER; Schema: -; Owner: nobody

 n * 2 $$; comment on function public.twice(int) is 'doubles'; create table public.linked (id bigint references public.everything);
  create rule quiet as on insert to public.linked do also nothing; alter table public.parent enable row level security; create policy all_rows on public.parent using (n > 0);
  grant select on public.everything to public; alter default privileges in schema public grant select on tables to public; create publication everything_out for table public.everything; create extension pgcrypto schema public;
  select lo_from_bytea(4711, convert_to(repeat('0123456789', 250000), 'UTF8')); select lo_create(4712)`

await postgres.createDatabase('rich')
await postgres.sql('rich', RICH)
const rich = await fingerprintOf('rich')

/** The content that one session sees, with what it has not committed. */
async function contentSeenBy(session: pg.Client): Promise<Fingerprint> {
  return { ...(await readFingerprint([session], [], tools.major, context)), objects: rich.objects }
}

/** Changes of content, and what must be said about each. */
const CONTENT_CHANGES: readonly (readonly [string, RegExp])[] = [
  ['delete from public.everything where id = 5', /^rows of public\.everything$/],
  ['insert into public.nothing default values', /^rows of public\.nothing$/],
  ["update public.everything set label = 'y' where id = 5", /^content of public\.everything$/],
  ['update public.everything set label = null where id = 5', /^content of/],
  ['update public.everything set amount = 1.0001 where id = 3', /^content of/],
  ["update public.everything set ratio = '-0' where id = 301", /^content of/],
  ['update public.everything set doc = \'{"n": 7, "v": 1.51}\' where id = 7', /^content of/],
  ["update public.everything set took = '30 days 24 hours' where id = 31", /^content of/],
  ["update public.everything set state = 'sad' where id = 5", /^content of/],
  ["update public.everything set tags = tags || '{z}' where id = 5", /^content of/],
  ["update public.everything set loose = 'löose' where id = 5", /^content of/],
  ["update public.everything set raw = raw || '\\x00' where id = 5", /^content of/],
  ["update public.parts set v = 'w' where k = 15", /^content of public\.parts_high$/],
  ['update public.child set n = 7', /^content of public\.child$/],
  ['update only public.parent set n = 7', /^content of public\.parent$/],
  ['update public."with ""quotes"".and dot" set "ünï" = \'e\'', /^content of public\."with ""quotes""\.and dot"$/],
  ['update public.volatile_rows set n = 2', /^content of public\.volatile_rows$/],
  ['drop table public.linked', /^table public\.linked$/],
  ['create table public.more (n int)', /^table public\.more$/],
  ['refresh materialized view public.totals with no data', /^content of public\.totals$/],
  ["select lo_put(4711, 1500000, 'x')", /^content of large object 4711$/],
  ["select lo_put(4711, 2500000, 'x')", /^size of large object 4711$/],
  [
    'select lo_put(4711, 0, lo_get(4711, 1048576, 1048576)), lo_put(4711, 1048576, lo_get(4711, 0, 1048576))',
    /^content of large object 4711$/,
  ],
  ['select lo_unlink(4712)', /^large object 4712$/],
  ['drop extension pgcrypto', /^extension pgcrypto$/],
]

/** Changes of definitions, and of sequences, which no transaction takes back. */
const OTHER_CHANGES: readonly (readonly [string, RegExp])[] = [
  ["select nextval('public.counter')", /^sequence public\.counter$/],
  ["select nextval('public.unused')", /^sequence public\.unused$/],
  ["select setval('public.everything_id_seq', 5)", /^sequence public\.everything_id_seq$/],
  ['drop index public.everything_label', /^INDEX public everything_label$/],
  ['alter table public.linked drop constraint linked_id_fkey', /^FK CONSTRAINT public linked linked_id_fkey$/],
  [
    "alter table public.everything alter column label set default 'z'",
    /^definition of (?:TABLE|DEFAULT) public everything/,
  ],
  ["comment on function public.twice(int) is 'halves'", /^definition of COMMENT public FUNCTION "?twice/],
  [
    "create or replace function public.twice(n int) returns int language sql as 'select n + n'",
    /^definition of FUNCTION public twice/,
  ],
  ['revoke select on public.everything from public', /^ACL public TABLE "?everything/],
  ['alter policy all_rows on public.parent using (n > 1)', /^definition of POLICY public parent all_rows$/],
  ['alter table public.parent disable row level security', /^ROW SECURITY public parent$/],
  ['drop publication everything_out', /^PUBLICATION everything_out$/],
  ['drop view public.seen', /^VIEW public seen$/],
  [
    'alter default privileges in schema public revoke select on tables from public',
    /^DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES$/,
  ],
]

test('equal databases have equal fingerprints', async () => {
  assert.deepEqual(compareFingerprints(rich, await fingerprintOf('rich'), { sameDefinitions: true }), [])
})

test('content is seen to change', async (t) => {
  await withSession(server, 'rich', context, async (session) => {
    for (const [sql, subject] of CONTENT_CHANGES) {
      await t.test(sql, async () => {
        await session.query('begin isolation level repeatable read')
        await session.query(sql)
        const differences = compareFingerprints(rich, await contentSeenBy(session), { sameDefinitions: true })
        await session.query('rollback')
        assert.equal(differences.length, 1, JSON.stringify(differences))
        assert.match(differences[0]?.subject ?? '', subject)
      })
    }
  })
})

for (const [sql, subject] of OTHER_CHANGES) {
  test(`sees: ${sql}`, async () => {
    await postgres.createDatabase('changed', 'template rich')
    await postgres.sql('changed', sql)
    const differences = compareFingerprints(rich, await fingerprintOf('changed'), { sameDefinitions: true })
    assert.ok(
      differences.some((one) => subject.test(one.subject)),
      JSON.stringify(differences),
    )
    assert.ok(differences.length <= 2, `more than the change: ${JSON.stringify(differences)}`)
  })
}

test('a restored dump has the fingerprint of the original, whatever order its rows are in', async () => {
  await postgres.createDatabase('again')
  const call = { tools, server, limits }
  const dump = streamTool(
    { ...call, program: 'pg_dump', database: 'rich', args: ['--format=custom', '--compress=0', ...DUMP_OPTIONS] },
    context,
  )
  await runTool({ ...call, program: 'pg_restore', database: 'again', args: ['--exit-on-error'] }, context, dump)
  await postgres.sql(
    'again',
    'set search_path = public; create table sorted as select * from parts_high; truncate parts_high; insert into parts_high select * from sorted order by k desc; drop table sorted',
  )
  assert.deepEqual(compareFingerprints(rich, await fingerprintOf('again'), { sameDefinitions: true }), [])
})

test('every object is there once, under a name that says what it is', () => {
  const names = rich.objects.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const name of [
    'TABLE public everything',
    'SCHEMA Odd; Schema',
    'EXTENSION pgcrypto',
    'SEQUENCE public counter',
    'RULE public linked quiet',
  ])
    assert.ok(names.includes(name), `${name} in ${names.join('\n')}`)
  for (const { definition } of rich.objects) assert.match(definition, /^[0-9a-f]{64}$/)
})
