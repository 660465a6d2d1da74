import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../src/core/ports.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { meaningOf } from '../../src/components/postgres/connection/session-facts.ts'
import { startGerman } from '../parts/postgres-locale.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const german = await startGerman()

async function make(database: string, statements: string): Promise<void> {
  await postgres.createDatabase(database, 'template template0')
  for (const statement of statements.split(/;\s*\n/))
    if (statement.trim() !== '') await postgres.sql(database, statement)
}

/** Captures, loads and compares; gives what differs and what was said. */
async function goRound(settings: PostgresSettings): Promise<{ differences: string[]; said: string[] }> {
  const said: string[] = []
  const context: Context = testContext({
    progress: (event) => void ('message' in event && said.push(event.message)),
  })
  const { details, source } = await captureStored(settings, context)
  const target = await openTarget(settings)
  await target.load(details, source, context)
  const differences = await target.compare(details, context)
  await target.discard(context)
  return { differences: differences.map(({ subject }) => subject), said }
}

const SHIFTS = `create table public.shift (day date, start timestamptz, check (start::date = day));
insert into public.shift values ('2026-03-02', '2026-03-02 08:00 Pacific/Auckland')`

/** Each as a setting of the database, with data that is only right, or only read back, with it or without. */
const MEANINGS: Readonly<Record<string, readonly [setting: string, sql: string]>> = {
  'a time zone': [`timezone = 'Pacific/Auckland'`, SHIFTS],
  'an order of dates': [
    `datestyle = 'SQL, DMY'`,
    `create table public.t (typed text check (typed::date = meant), meant date)
      ;\n insert into public.t values ('13/02/2026', '2026-02-13'), ('03/02/2026', '2026-02-03')`,
  ],
  'a style of intervals': [
    `intervalstyle = 'sql_standard'`,
    `create table public.t (a interval, b text check (b = a::text))
      ;\n insert into public.t select a::interval, a::interval::text from unnest(array['-1 day 2:03:04', '1 year -2 mons', '-1 days +02:03:04', '0']) a`,
  ],
  'a custom parameter': [
    `app.tenant = 'a "b" \\c d'`,
    `create table public.t (tenant text default current_setting('app.tenant') check (tenant = current_setting('app.tenant')))
      ;\n insert into public.t default values`,
  ],
  'a custom parameter with a reserved word': [
    `app."user" = 'x'`,
    `create table public.t (a text check (a = current_setting('app.user')))
      ;\n insert into public.t values ('x')`,
  ],
  'arrays without null': [
    'array_nulls = off',
    `create table public.t (a text[])
      ;\n insert into public.t select array['a', null, 'NULL']`,
  ],
  'few digits': [
    'extra_float_digits = -15',
    `create table public.t (a float8, b float4, c text check (c = a::text))
      ;\n insert into public.t select a, a, a::text from unnest(array[1 / 3.0, 1e30 / 7, -0.1]::float8[]) a`,
  ],
  'escaped bytes': [
    `bytea_output = 'escape'`,
    `create table public.t (a bytea default '\\x00ff5c27', b text check (b = a::text))
      ;\n insert into public.t (b) select '\\x00ff5c27'::bytea::text`,
  ],
  'strings with backslashes': [
    'standard_conforming_strings = off',
    `create table public.t (a text default e'a\\\\b' check (a <> e'c\\\\d'))
      ;\n insert into public.t default values`,
  ],
  'xml documents': [
    `xmloption = 'document'`,
    `create table public.t (a xml)
      ;\n insert into public.t select xmlparse(content 'no <b>document</b>')`,
  ],
  'nulls that equal': ['transform_null_equals = on', `create table public.t (a int, check (a is distinct from 3))`],
  'quoted names': ['quote_all_identifiers = on', `create view public.v as select 1 as one`],
  'a text search configuration': [
    `default_text_search_config = 'public.plain'`,
    `create text search configuration public.plain (copy = pg_catalog.simple)
      ;\n create table public.t (a text check (to_tsvector(a) @@ to_tsquery('the')))
      ;\n insert into public.t values ('the')`,
  ],
  'a narrow client encoding': [
    `client_encoding = 'latin1'`,
    `create table public.t (a text)
      ;\n insert into public.t values ('☃')`,
  ],
}

await postgres.sql('postgres', `create role meant superuser login password 'x'`)

for (const [what, [setting, sql]] of Object.entries(MEANINGS)) {
  test(`what is meant by ${what} comes back`, async () => {
    await make('meaning', sql.startsWith('create text search') ? sql.split(';\n')[0]! : 'select 1')
    for (const whose of ['database meaning', 'role meant'])
      await postgres.sql('postgres', `alter ${whose} set ${setting}`)
    for (const statement of sql.split(/;\s*\n/))
      if (!statement.includes('copy = pg_catalog.simple')) await resetThen('meaning', statement)
    const as = { user: 'meant', password: 'x', rowCheckSeconds: 0 }
    const { differences, said } = await goRound(postgres.settings('meaning', as))
    await postgres.sql('postgres', 'alter role meant reset all')
    assert.deepEqual(differences, [])
    assert.deepEqual(
      said.filter((message) => message.includes('not known here')),
      [],
    )
  })
}

/** With the settings that a session of the application begins with. */
async function resetThen(database: string, statement: string): Promise<void> {
  await postgres.sql(database, `reset all; ${statement}`)
}

test('money is written and read in one way, whatever the locale of the database', async (t) => {
  if (german === undefined) return t.skip('this machine has no sources of locales')
  await german.createDatabase('setting-money', 'template template0')
  await german.sql('postgres', `alter database "setting-money" set lc_monetary = 'de_DE.UTF-8'`)
  await german.sql(
    'setting-money',
    `set lc_monetary = 'de_DE.UTF-8'; create table public.price (id int primary key, amount money default '1.234,56 €');
     insert into public.price values (1, 1234.56::numeric::money), (2, 0.5::numeric::money)`,
  )
  const stored = await captureStored(german.settings('setting-money', { rowCheckSeconds: 0 }), testContext())
  assert.equal(stored.details.plainMoney, true)
  // Older points do not say how money is written, and have it as the database had.
  const old = { ...stored.details, plainMoney: false, sessionSettings: undefined }
  assert.deepEqual(meaningOf(old)['lc_monetary'], 'de_DE.UTF-8')
  const target = await openTarget(german.settings('setting-money'))
  await target.load(stored.details, stored.source, testContext())
  assert.deepEqual(await target.compare(stored.details, testContext()), [])
  await target.discard(testContext())
})

/** Each ends, refuses or diverts what a session does. */
const HINDRANCES =
  `statement_timeout = '1ms'; lock_timeout = '1ms'; idle_in_transaction_session_timeout = '5s'; idle_session_timeout = '5s';
  default_transaction_read_only = on; default_transaction_isolation = serializable; default_transaction_deferrable = on;
  row_security = off; role = 'nobody at all'; default_tablespace = ''; search_path = 'trap, pg_catalog'; check_function_bodies = on;
  client_min_messages = error; array_nulls = off; xmloption = document; datestyle = 'German'; standard_conforming_strings = off`
    .split(';')
    .map((one) => one.trim())

async function goHindered(hindrances: readonly string[]): Promise<void> {
  await make(
    'hindered',
    `create schema trap;
create table public.large as select n, repeat(md5(n::text), 20) as filler, array[null, 'a'] as tags from generate_series(1, 40000) n;
create table public.t (a int primary key, at timestamptz);
insert into public.t select n, now() from generate_series(1, 1000) n`,
  )
  await postgres.sql('postgres', `create role "nobody at all"; create role hindered superuser login password 'x'`)
  for (const setting of hindrances) {
    await postgres.sql('postgres', `alter role hindered set ${setting}`)
    if (!setting.startsWith('role')) await postgres.sql('postgres', `alter database hindered set ${setting}`)
  }
  try {
    const settings = postgres.settings('hindered', { user: 'hindered', password: 'x' })
    const { differences } = await goRound(settings)
    assert.deepEqual(differences, [])
    const target = await openTarget(settings, 'in-place')
    const { details, source } = await captureStored(settings, testContext())
    await target.fence(testContext())
    await target.load(details, source, testContext())
    assert.deepEqual(await target.compare(details, testContext()), [])
    await target.reopen(testContext())
  } finally {
    await postgres.dropDatabase('hindered')
    await postgres.sql('postgres', `drop role hindered, "nobody at all"`)
  }
}

test('no limit or detour of the database or the role stops a backup, a drill or a restore', () =>
  goHindered(HINDRANCES))

test('nor does a server that ends each session at its first error', () => goHindered(['exit_on_error = on']))
