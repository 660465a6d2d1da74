import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/components/postgres/connection/connection.ts'
import { readDepends } from '../../src/components/postgres/fingerprint/depends.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const postgres = await startPrivate()
const context = testContext()
/** `npm run soak` measures the full sizes. */
const SIZES = process.env['HOLDFAST_SOAK'] === '1' ? [50, 1000, 10_000] : [50]
const AT_ONCE = 500

/** Each table has what an application's has: two indexes, a foreign key, a CHECK that a load words anew, an operator of an extension. */
async function fill(tables: number): Promise<void> {
  await postgres.createDatabase('costly', 'template template0')
  await postgres.sql('costly', 'create extension citext schema public')
  for (let first = 0; first < tables; first += AT_ONCE)
    await postgres.sql(
      'costly',
      `set search_path = public; do $$ begin for n in ${first}..${Math.min(first + AT_ONCE, tables) - 1} loop
      execute format('create table t%s (id int primary key, up int, c citext, state varchar(20) default %L check (state in (%L, %L)), at timestamptz)', n, 'a', 'a', 'b');
      execute format('create index on t%s (c)', n); execute format('create index on t%s (at) where state in (%L)', n, 'a');
      if n > 0 then execute format('alter table t%s add foreign key (up) references t%s', n, n - 1); end if; end loop; end $$`,
    )
}

async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return (performance.now() - begun) / 1000
}

for (const tables of SIZES)
  test(`what the rehearsal and the reference cost for ${tables} tables`, async (t) => {
    await fill(tables)
    const check = (): Promise<unknown> => postgresDriver.check(postgres.settings('costly'), context)
    const rehearsed = await secondsOf(check)
    const kept = await secondsOf(check)
    const stored = await captureStored(postgres.settings('costly'), context)
    const { depends = [], objects } = stored.details.fingerprint
    const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
    const target = await postgresDriver.open(postgres.settings('costly'), request, context)
    const load = await secondsOf(() => target.load(stored.details, stored.source, context))
    const without = await secondsOf(() => target.compare(stored.details, context))
    const whole = await secondsOf(async () =>
      assert.deepEqual(await target.compare(stored.details, context, stored.source), []),
    )
    const session = await connect(postgres.server, 'costly', context)
    await session.query('begin read only')
    const reading = await secondsOf(() => readDepends(session, objects))
    await session.end()
    await target.discard(context)
    assert.equal(depends.length, tables)
    const shown = {
      'check with its rehearsal': rehearsed,
      'check with the answer kept': kept,
      load,
      'compare without it': without,
      'compare with it': whole,
      'what objects use': reading,
    }
    const bytes = JSON.stringify(depends).length
    t.diagnostic(
      `${Object.entries(shown)
        .map(([what, seconds]) => `${what} ${seconds.toFixed(2)} s`)
        .join(', ')}; ${bytes} bytes of ${JSON.stringify(stored.details).length} say what objects use`,
    )
  })
