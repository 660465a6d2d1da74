import assert from 'node:assert/strict'
import { join } from 'node:path'
import { runTool } from '../../src/components/postgres/tools/tool-run.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { compareDumpTexts } from './postgres-dump-text.ts'
import { captureStored } from './postgres-stored.ts'
import type { Stored } from './postgres-stored.ts'
import { testContext } from './postgres.ts'
import type { TestPostgres } from './postgres.ts'

/** Seconds that each act took. */
export interface Times {
  capture?: number
  load?: number
  compare?: number
  'dump texts'?: number
}

/** Else it would be measured how long the disk takes to acknowledge each table. */
const FAST = { synchronous_commit: 'off' }
const LIMITS = { idleLimit: 1_800_000, totalLimit: 1_800_000 }

/** Captures, restores beside and compares, as Holdfast does and as pg_dump sees it. */
export async function roundTrip(postgres: TestPostgres, database: string, times: Times = {}): Promise<Stored> {
  const context = testContext()
  const timed = async <Result>(what: keyof Times, act: () => Promise<Result>): Promise<Result> => {
    const [result, seconds] = await secondsOf(act)
    times[what] = seconds
    return result
  }
  const stored = await timed('capture', () => captureStored(postgres.settings(database), context))
  const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
  const target = await postgresDriver.open(postgres.settings(database), request, context)
  await timed('load', () => target.load(stored.details, stored.source, context))
  assert.deepEqual(await timed('compare', () => target.compare(stored.details, context)), [])
  const version = Number(postgres.process?.version)
  const side = `${database}__r_1a2b3c4d`
  assert.deepEqual(await timed('dump texts', () => compareDumpTexts(postgres.server, version, database, side)), [])
  await target.discard(context)
  return stored
}

/** How long pg_dump and pg_restore, which loads two at a time, take for the same. */
export async function secondsOfTools(postgres: TestPostgres, database: string): Promise<number> {
  const context = testContext()
  const tools = await chooseTools(Number(postgres.process?.version), {}, context)
  const call = { tools, server: postgres.server, limits: LIMITS, settings: FAST } as const
  await postgres.createDatabase('peer', 'template template0')
  const [, seconds] = await withTemporaryFolder((folder) =>
    secondsOf(async () => {
      const file = join(folder, 'dump')
      const out = ['--format=custom', '--no-sync', `--file=${file}`]
      await runTool({ ...call, program: 'pg_dump', args: out, database }, context)
      await runTool({ ...call, program: 'pg_restore', args: ['--jobs=2'], file, database: 'peer' }, context)
    }),
  )
  await postgres.dropDatabase('peer')
  return seconds
}

async function secondsOf<Result>(act: () => Promise<Result>): Promise<[Result, number]> {
  const begun = performance.now()
  const result = await act()
  return [result, (performance.now() - begun) / 1000]
}
