import { test } from 'node:test'
import { ODD, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { roundTrip } from '../parts/postgres-round-trip.ts'
import { tablesOfEveryType, TYPE_VALUES } from '../parts/postgres-types.ts'
import { startPrivate } from '../parts/postgres.ts'

const postgres = await startPrivate()
/** `npm run soak` asks for the full sizes. */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const TABLES = SOAK ? 10_000 : 2_000
const LARGE_ROWS = SOAK ? 1_000 : 100
const TABLES_AT_ONCE = 500

test('every built-in type and objects of every kind, under names that need care', async () => {
  await postgres.sql('postgres', `create role ${quoted(ODD)} login`)
  await postgres.createDatabase('odd', 'template template0')
  await postgres.sql(
    'odd',
    `set search_path = public; ${tablesOfEveryType(Object.keys(TYPE_VALUES))} ${oddObjects(ODD)}`,
  )
  await roundTrip(postgres, 'odd')
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
  await roundTrip(postgres, 'many')
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
  await roundTrip(postgres, 'wide')
})
