import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTarget } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { providePostgresVersions } from '../parts/postgres-versions.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

await providePostgresVersions([17])
const context = testContext()

test('limits in postgresql.conf, also those that only newer servers know, end no backup and no restore', async () => {
  const limits = { transaction_timeout: '600ms', statement_timeout: '500ms', default_transaction_read_only: 'on' }
  const postgres = await startPrivate(limits, 17)
  await postgres.createDatabase('transaction-timeout')
  await postgres.sql(
    'transaction-timeout',
    `create table public.t as select n, repeat(md5(n::text), 10) b from generate_series(1, 400000) n; create index on public.t (b);
     create table public.small as select n, repeat(md5(n::text), 10) b from generate_series(1, 40000) n`,
  )
  const settings = postgres.settings('transaction-timeout', { rowCheckSeconds: 0 })
  const { details, source } = await captureStored(settings, context)
  const target = await openTarget(settings)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  await target.discard(context)
})
