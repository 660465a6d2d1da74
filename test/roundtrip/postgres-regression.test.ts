import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { compareDumpTexts } from '../parts/postgres-dump-text.ts'
import { fetchRegressionTests, runRegressionTests } from '../parts/postgres-regression.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

/** Many objects: more than a server of tests has locks for. */
const postgres = await startPrivate({ max_locks_per_transaction: '1024' })
const context = testContext()

test("what PostgreSQL's own regression tests leave comes back as pg_dump sees it", async () => {
  const tests = await fetchRegressionTests(Number(postgres.process?.major))
  await postgres.createDatabase('regression', 'template template0')
  await withTemporaryFolder(async (work) => {
    await chmod(work, 0o777)
    await runRegressionTests(tests, postgres.server, 'regression', work)
  })
  const [counted] = await postgres.sql(
    'regression',
    'select count(*)::int as n from pg_class where relnamespace = 2200',
  )
  assert.ok(Number(counted?.['n']) > 500, `only ${String(counted?.['n'])} relations`)
  const stored = await captureStored(postgres.settings('regression'), context)
  const target = await postgresDriver.open(
    postgres.settings('regression'),
    { mode: 'swap', restoreId: '1a2b3c4d' },
    context,
  )
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context), [])
  const version = Number(postgres.process?.version)
  assert.deepEqual(await compareDumpTexts(postgres.server, version, 'regression', 'regression__r_1a2b3c4d'), [])
  await target.discard(context)
})
