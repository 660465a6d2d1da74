import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { compareDumpTexts } from '../parts/postgres-dump-text.ts'
import { ODD, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { tablesOfEveryType, TYPE_VALUES } from '../parts/postgres-types.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const postgres = await startPrivate()
const context = testContext()
/** `npm run soak` asks for the full sizes. */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const TABLES = SOAK ? 10_000 : 2_000
const LARGE_ROWS = SOAK ? 1_000 : 100
const TABLES_AT_ONCE = 500

/** Captures, restores beside and compares, as Holdfast does and as pg_dump sees it. */
async function roundTrip(database: string): Promise<void> {
  const stored = await captureStored(postgres.settings(database), context)
  const request = { mode: 'swap', restoreId: '1a2b3c4d', scratchFolder: '' } as const
  const target = await postgresDriver.open(postgres.settings(database), request, context)
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context), [])
  const version = Number(postgres.process?.version)
  assert.deepEqual(await compareDumpTexts(postgres.server, version, database, `${database}__r_1a2b3c4d`), [])
  await target.discard(context)
}

test('every built-in type and objects of every kind, under names that need care', async () => {
  await postgres.sql('postgres', `create role ${quoted(ODD)} login`)
  await postgres.createDatabase('odd', 'template template0')
  await postgres.sql(
    'odd',
    `set search_path = public; ${tablesOfEveryType(Object.keys(TYPE_VALUES))} ${oddObjects(ODD)}`,
  )
  await roundTrip('odd')
})

test(`${TABLES} tables`, async () => {
  await postgres.createDatabase('many', 'template template0')
  for (let first = 0; first < TABLES; first += TABLES_AT_ONCE)
    await postgres.sql(
      'many',
      `do $$ begin for n in ${first}..${first + TABLES_AT_ONCE - 1} loop
      execute format('create table public.%I (id int primary key, body text)', 'table ' || n);
      execute format('insert into public.%I values (%s, %L)', 'table ' || n, n, 'body ' || n); end loop; end $$`,
    )
  await roundTrip('many')
})

test(`${LARGE_ROWS} values of a megabyte that does not compress`, async () => {
  await postgres.createDatabase('wide', 'template template0')
  await postgres.sql(
    'wide',
    `create table public.wide (id int primary key, body bytea);
    alter table public.wide alter body set storage external`,
  )
  for (let n = 0; n < LARGE_ROWS; n++)
    await postgres.sql(
      'wide',
      `insert into public.wide select ${n}, decode(string_agg(md5(${n} || ' ' || m), ''), 'hex') from generate_series(1, 65536) m`,
    )
  await roundTrip('wide')
})
