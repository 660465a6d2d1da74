import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ODD, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { roundTrip, secondsOfTools } from '../parts/postgres-round-trip.ts'
import type { Times } from '../parts/postgres-round-trip.ts'
import { tablesOfEveryType, TYPE_VALUES } from '../parts/postgres-types.ts'
import { startPrivate } from '../parts/postgres.ts'

const postgres = await startPrivate()
/** `npm run soak` asks for the full size. */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const TABLES = SOAK ? 10_000 : 2_000
const TABLES_AT_ONCE = 500
/** Capture and load together, next to pg_dump and pg_restore of the same; more would be a round trip too many for each table. */
const TIMES_THE_TOOLS = 3

test('every built-in type and objects of every kind, under names that need care', async () => {
  await postgres.sql('postgres', `create role ${quoted(ODD)} login`)
  await postgres.createDatabase('odd', 'template template0')
  await postgres.sql(
    'odd',
    `set search_path = public; ${tablesOfEveryType(Object.keys(TYPE_VALUES))} ${oddObjects(ODD)}`,
  )
  await roundTrip(postgres, 'odd')
})

test(`${TABLES} tables, in not many times what pg_dump and pg_restore take`, async (t) => {
  await postgres.createDatabase('many', 'template template0')
  for (let first = 0; first < TABLES; first += TABLES_AT_ONCE)
    await postgres.sql(
      'many',
      `do $$ begin for n in ${first}..${first + TABLES_AT_ONCE - 1} loop
      execute format('create table public.%I (id int primary key, body text)', 'table ' || n);
      execute format('insert into public.%I values (%s, %L)', 'table ' || n, n, 'body ' || n); end loop; end $$`,
    )
  const times: Times = {}
  await roundTrip(postgres, 'many', times)
  const tools = await secondsOfTools(postgres, 'many')
  const shown = Object.entries({ ...times, 'pg_dump and pg_restore': tools })
  t.diagnostic(shown.map(([what, seconds]) => `${what} ${seconds.toFixed(1)} s`).join(', '))
  assert.ok((times.capture ?? 0) + (times.load ?? 0) < TIMES_THE_TOOLS * tools)
})
