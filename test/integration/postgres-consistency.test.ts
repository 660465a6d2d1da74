import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { clientConfig, connectClient } from '../parts/postgres-clients.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const ACCOUNTS = 40_000
const BALANCE = 1_000
const BACKUPS = 3
const CLIENTS = 3

/** Accounts are large enough to be copied in lanes, what is booked on them goes through pg_dump: both must fit. */
const BANK = `create table public.accounts (id int primary key, balance bigint not null, filler text not null) with (fillfactor = 90);
  insert into public.accounts select n, ${BALANCE}, repeat(md5(n::text), 16) from generate_series(1, ${ACCOUNTS}) n;
  create table public.bookings (id bigint generated always as identity primary key, account int not null references public.accounts, amount bigint not null)`
const CHECK = `select sum(balance)::text as total, (select coalesce(sum(amount), 0)::text from public.bookings) as booked,
    (select count(*)::int from public.bookings) as bookings,
    (select count(*)::int from public.accounts a left join (select account, sum(amount) as sum from public.bookings group by 1) b on b.account = a.id
      where a.balance <> ${BALANCE} + coalesce(b.sum, 0)) as wrong
  from public.accounts`

/** Moves money between two accounts until told to stop, the first and the last of the table more often than others. */
async function moveMoney(seed: number, stopped: () => boolean): Promise<number> {
  const client = await connectClient(clientConfig(postgres.server, 'bank'))
  let moved = 0
  for (let n = seed; !stopped(); n += CLIENTS, moved++) {
    const [from, to] = [1 + ((n * 7919) % ACCOUNTS), ACCOUNTS - ((n * 104_729) % ACCOUNTS)].toSorted((a, b) => a - b)
    const amount = 1 + (n % 50)
    await client.query(`begin; update public.accounts set balance = balance - ${amount} where id = ${from};
      update public.accounts set balance = balance + ${amount} where id = ${to};
      insert into public.bookings (account, amount) values (${from}, -${amount}), (${to}, ${amount}); commit`)
  }
  await client.end()
  return moved
}

test('every copy that was captured while money moved sums right, and both tables match', async () => {
  await postgres.createDatabase('bank')
  await postgres.sql('bank', BANK)
  let stop = false
  const clients = Array.from({ length: CLIENTS }, (_, seed) => moveMoney(seed, () => stop))
  const points = []
  for (let n = 0; n < BACKUPS; n++) points.push(await captureStored(postgres.settings('bank'), context))
  stop = true
  const moved = (await Promise.all(clients)).reduce((sum, count) => sum + count)
  assert.ok(moved > 100, `only ${moved} transactions ran beside the backups`)
  const bookings: unknown[] = []
  for (const { details, source } of points) {
    assert.ok(details.lanes.some(({ table }) => table === 'accounts'))
    const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
    const target = await postgresDriver.open(postgres.settings('bank'), request, context)
    await target.load(details, source, context)
    assert.deepEqual(await target.compare(details, context), [])
    const [row] = await postgres.sql('bank__r_1a2b3c4d', CHECK)
    assert.deepEqual([row?.['total'], row?.['booked'], row?.['wrong']], [String(ACCOUNTS * BALANCE), '0', 0])
    bookings.push(row?.['bookings'])
    await target.discard(context)
  }
  assert.ok(new Set(bookings).size > 1, `the copies are all of one moment: ${bookings.join(', ')}`)
})
