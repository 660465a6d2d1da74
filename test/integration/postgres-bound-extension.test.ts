import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { check } from '../../src/components/postgres/check/check.ts'
import { openPostgresTarget } from '../../src/components/postgres/restore/target/target.ts'
import type { AcceptId } from '../../src/core/accept-ids.ts'
import { RESTORE_ID } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

/** pg_cron can be made in one database of a server only, and only where its library is loaded at the start. */
const postgres = await startPrivate({ shared_preload_libraries: 'pg_cron', 'cron.database_name': 'crondb' }, 15)
const context = testContext()
const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-cron-'))
after(() => rm(scratchFolder, { recursive: true, force: true }))
await postgres.createDatabase('crondb')
await postgres.sql(
  'crondb',
  `set search_path = public; create extension pg_cron; create table t (a int primary key); insert into t values (1); select cron.schedule('nightly', '0 3 * * *', 'vacuum')`,
)
const JOBS = 'select jobid, jobname, schedule, command from cron.job'
const settings = postgres.settings('crondb')
const open = (mode: 'swap' | 'scratch', accept: readonly AcceptId[]) =>
  openPostgresTarget(settings, { mode, restoreId: RESTORE_ID, scratchFolder, accept }, context)

test('check says beforehand that it cannot be made again, and how to restore', async () => {
  const found = (await check(settings, context)).find(({ subject }) => subject.includes('EXTENSION pg_cron'))
  assert.match(`${found?.message} ${found?.hint}`, /cannot make it again: .*--accept without-extensions/)
})

test('a drill goes without it when that is accepted, and keeps its rows', async () => {
  const stored = await captureStored(settings, context)
  const target = await open('scratch', ['without-extensions'])
  try {
    await target.load(stored.details, stored.source, context)
    assert.deepEqual(await target.compare(stored.details, context, stored.source), [])
    assert.match(
      (target.remarks?.() ?? []).join('; '),
      /EXTENSION pg_cron was LEFT OUT.*TABLE DATA cron job belongs to/,
    )
  } finally {
    await target.discard(context)
  }
})

test('a swap is refused with the way out, and with it the extension and its jobs are there again', async () => {
  const stored = await captureStored(settings, context)
  const refused = await open('swap', [])
  await assert.rejects(
    refused.load(stored.details, stored.source, context),
    (error: Error & { hint?: string }) => error.hint?.includes('--accept without-extensions') === true,
  )
  const before = await postgres.sql('crondb', JOBS)
  const target = await open('swap', ['without-extensions'])
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context, stored.source), [])
  await target.fence(context)
  await target.swap(stored.details, context)
  await target.reopen(context)
  assert.deepEqual(await postgres.sql('crondb', JOBS), before)
  assert.deepEqual(
    await postgres.sql('crondb', `select count(*)::int as n from pg_namespace where nspname like 'holdfast%'`),
    [{ n: 0 }],
  )
  await postgres.sql('crondb', `select cron.schedule('next', '0 4 * * *', 'analyze')`)
})
