import assert from 'node:assert/strict'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { compareDumpTexts } from './postgres-dump-text.ts'
import { captureStored } from './postgres-stored.ts'
import type { Stored } from './postgres-stored.ts'
import { testContext } from './postgres.ts'
import type { TestPostgres } from './postgres.ts'

/** Captures, restores beside and compares, as Holdfast does and as pg_dump sees it. */
export async function roundTrip(postgres: TestPostgres, database: string): Promise<Stored> {
  const context = testContext()
  const stored = await captureStored(postgres.settings(database), context)
  const request = { mode: 'swap', restoreId: '1a2b3c4d', scratchFolder: '' } as const
  const target = await postgresDriver.open(postgres.settings(database), request, context)
  await target.load(stored.details, stored.source, context)
  assert.deepEqual(await target.compare(stored.details, context), [])
  const version = Number(postgres.process?.version)
  assert.deepEqual(await compareDumpTexts(postgres.server, version, database, `${database}__r_1a2b3c4d`), [])
  await target.discard(context)
  return stored
}
