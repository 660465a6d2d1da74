import assert from 'node:assert/strict'
import { chmod, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { connect, literal } from '../../src/components/postgres/connection/connection.ts'
import { tableHashQuery } from '../../src/components/postgres/fingerprint/table-hash.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { roundTrip } from '../parts/postgres-round-trip.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { TYPE_VALUES } from '../parts/postgres-types.ts'
import { updatesOf } from '../parts/postgres-updates.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const folder = await makeTemporaryFolder()
await chmod(folder, 0o777)
after(() => rm(folder, { recursive: true, force: true }))

await postgres.createDatabase('values', 'template template0')
/** One for all: opening a session takes longer than what is asked in it. */
const session = await connect(postgres.server, 'values', context)
after(() => session.end())
await session.query('set synchronous_commit = off')

/** Databases that were once told to be other than their restored copy, or could not be captured. */
const ONCE_RED: Readonly<Record<string, string>> = {
  'an array that once held a NULL': `create table f (a int[]); insert into f values ('{1,NULL,3}'); update f set a[2] = 5`,
  'a NaN with its sign bit set': `create table f (x float8); insert into f values ('Infinity'::float8 - 'Infinity'::float8)`,
  'xml with a declaration': `create table f (x xml); insert into f values ('<?xml version="1.0"?><a>é</a>')`,
  'a composite of NULLs, and none': `create type pair as (a int, b int); create table f (x pair); insert into f values (row(null, null)), (null)`,
  'a cast from an enum to text made with a function': `create type colour as enum ('red', 'green'); create table names (code colour primary key, name text);
    create function label(colour) returns text language plpgsql stable as $$ begin return (select name from names where code = $1); end $$;
    insert into names values ('red', 'Rouge'), ('green', 'Vert'); create cast (colour as text) with function label(colour);
    create table car (id int primary key, c colour); insert into car values (1, 'red'), (2, 'green')`,
  'an index with a function of the database': `create function twice(n int) returns int immutable language sql as 'select n * 2'; create table f (n int, g int generated always as (n + 1) stored);
    insert into f select generate_series(1, 1000); create index on f (twice(n))`,
}
for (const [what, sql] of Object.entries(ONCE_RED))
  test(`${what}: a restored copy is equal`, async () => {
    await postgres.createDatabase('once', 'template template0')
    await postgres.sql('once', `set search_path = public; ${sql}`)
    await roundTrip(postgres, 'once')
  })

test('an index whose function needs the search path is captured as pg_dump does', async (t) => {
  const [version] = await postgres.sql('postgres', "select current_setting('server_version_num')::int as n")
  if (Number(version?.['n']) >= 170_000) return t.skip('newer servers refuse to make such an index')
  await postgres.createDatabase('path', 'template template0')
  await postgres.sql(
    'path',
    `set search_path = public; create extension unaccent; create function fold(text) returns text language sql immutable strict as $$ select unaccent('unaccent', $1) $$;
    create table person (id int primary key, name text); insert into person values (1, 'Zoë'); create index person_fold on person (fold(name))`,
  )
  const { details } = await captureStored(postgres.settings('path'), context)
  assert.equal(details.fingerprint.tables.find(({ name }) => name === 'public.person')?.by, 'copy')
})

/** Types as columns have them, by the literals of their values. */
const types = Object.entries(TYPE_VALUES).map(([written, values]) => {
  const type = written.replace(/ collate .*/, '')
  return { written, type, values: values.map((value) => `${literal(value)}::${type}`) }
})
const RUNS = 3
const UPDATES = 12

/** The rows of the last of these statements. */
async function ask(sql: string): Promise<Record<string, unknown> | undefined> {
  const results: unknown = await session.query(sql)
  const last: unknown = Array.isArray(results) ? results.at(-1) : results
  // Results of the pg library.
  return (last as { rows: Record<string, unknown>[] }).rows[0]
}

/** As for a database in UTF-8; what is sent without conversion there is no matter of the type. */
const encoding = 'UTF8'

/** The rows of a table as COPY writes them, and their hash. Each change is to be seen in both, or in none. */
async function seen(table: string): Promise<{ readonly text: string; readonly hash: unknown }> {
  const file = join(folder, table)
  const columns = await ask(`copy public.${table} to ${literal(file)}; ${COLUMNS.replace('TABLE', table)}`)
  // The query's own shape.
  const hashed = columns?.['columns'] as Parameters<typeof tableHashQuery>[1]
  const row = await ask(tableHashQuery(`public.${table}`, hashed, encoding))
  const lines = (await readFile(file, 'latin1')).split('\n').toSorted()
  return { text: lines.join('\n'), hash: row?.['hash'] }
}

const COLUMNS = `select jsonb_agg(jsonb_build_object('name', a.attname, 'type', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname else '' end) order by a.attnum) as columns
  from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = 'public.TABLE'::regclass and a.attnum > 0`

function tableOf({ written, type, values }: (typeof types)[number]): string {
  const list = type.endsWith(']') ? 'int[]' : `${type}[]`
  return `set search_path = public; drop table if exists v, w; drop type if exists pair; create type pair as (a ${type}, b int);
    create table v (id int primary key, x ${written}, l ${list}, c pair); create table w (like v);
    ${values.map((value, id) => `insert into v (id, x) values (${id}, ${value});`).join(' ')} insert into v (id) values (-1), (-2)`
}

for (const one of types)
  test(`random updates of ${one.written}: equal exactly if COPY carries the same`, async () => {
    const choice = updatesOf(one.type.replace(/\(.*\)$/, ''), one.values)
    const update = fc.record({
      id: fc.integer({ min: -2, max: one.values.length - 1 }),
      set: fc.constantFrom(...choice),
    })
    const text = ({ id, set }: { readonly id: number; readonly set: string }, table: string): string =>
      // An array of two dimensions takes no element by one subscript, and stays as it is.
      `do $do$ begin update ${table} set ${set} where id = ${id}; exception when array_subscript_error then null; end $do$;`
    await fc.assert(
      fc.asyncProperty(fc.array(update, { minLength: 1, maxLength: UPDATES }), update, async (updates, last) => {
        await ask(`${tableOf(one)}; ${updates.map((each) => text(each, 'v')).join(' ')}`)
        const source = await seen('v')
        await ask(`copy public.w from ${literal(join(folder, 'v'))}`)
        assert.deepEqual(await seen('w'), source)
        await ask(`set search_path = public; ${text(last, 'w')}`)
        const changed = await seen('w')
        assert.equal(changed.hash === source.hash, changed.text === source.text, `${changed.text}\n${source.text}`)
      }),
      { numRuns: RUNS },
    )
  })

test('a SQL_ASCII database with names and rows in any bytes is captured, restored and compared', async () => {
  await postgres.createDatabase('ascii', "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0")
  // As a client would that sends Latin-1.
  const latin = (text: string): string =>
    Buffer.from(text, 'latin1')
      .toString('latin1')
      .replaceAll(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xf700 + byte.charCodeAt(0)))
  await postgres.sql(
    'ascii',
    latin(`set search_path = public; create table "café" (id int primary key, "prénom" text, fixed char(5), list text[]); insert into "café" values (1, 'Zoë', 'é', '{é,NULL}');
    create table t (id int primary key, v text); insert into t values (1, 'Zoë'); create sequence "numéro"; create index "clé" on "café" ("prénom");
    create table "café large" (n int, body text); insert into "café large" select n, repeat(md5(n::text), 20) || 'é' from generate_series(1, 30000) n`),
  )
  await postgres.sql(
    'ascii',
    "set search_path = public; create table naïve (ü text); insert into naïve values ('日本')",
  )
  const { details } = await roundTrip(postgres, 'ascii')
  const names = details.fingerprint.tables.map(({ name }) => name)
  assert.deepEqual(names, ['public."caf\uf7e9 large"', 'public."caf\uf7e9"', 'public."naïve"', 'public.t'])
  const [bytes] = await postgres.sql(
    'ascii',
    "select encode(relname::text::bytea, 'escape') as name from pg_class where relname like 'caf%' and relname not like '% large'",
  )
  assert.equal(bytes?.['name'], 'caf\\351')
  assert.equal((await postgres.sql('ascii', 'select $1::text as same', ['\uf7e9']))[0]?.['same'], '\uf7e9')
})
