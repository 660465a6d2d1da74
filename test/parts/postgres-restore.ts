import { capture } from '../../src/components/postgres/capture/capture.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import { openPostgresTarget } from '../../src/components/postgres/restore/target/target.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import type { ArtifactSource } from '../../src/components/transfer.ts'
import type { AcceptId } from '../../src/core/accept-ids.ts'
import type { Context } from '../../src/core/ports.ts'
import type { TargetMode } from '../../src/core/restore-point.ts'
import { startPostgres, testContext } from './postgres.ts'
import { sinkInto, sourceFrom } from './postgres-stored.ts'

/** What a capture gave, held in memory. */
export interface CapturedDatabase {
  readonly details: PostgresDetails
  readonly notCaptured: readonly string[]
  readonly source: ArtifactSource
  readonly dump: Uint8Array
}

export const RESTORE_ID = '1a2b3c4d'
const CHUNK = 16_384

/** Captures a small database into memory. */
export async function captureInto(settings: PostgresSettings, context: Context): Promise<CapturedDatabase> {
  const contents = new Map<string, Buffer>()
  const { details, notCaptured } = await capture(settings, sinkInto(contents), context)
  return { details, notCaptured, dump: contents.get('dump') ?? Buffer.alloc(0), source: sourceFrom(contents) }
}

/** A source that gives `dump`, or its first `end` bytes and then throws `error`. */
export function sourceOf(dump: Uint8Array, end = dump.length, error?: Error): ArtifactSource {
  return {
    roles: ['dump'],
    sizeOf: () => dump.length,
    async *read() {
      for (let from = 0; from < end; from += CHUNK) yield dump.subarray(from, Math.min(from + CHUNK, end))
      if (error !== undefined) throw error
    },
  }
}

/** Runs SQL with the search path that the database gives, and gives the rows of the last statement. */
export async function sql(database: string, text: string): Promise<Record<string, unknown>[]> {
  const postgres = await startPostgres()
  return postgres.sql(database, `set search_path to default; ${text}`)
}

export function openTarget(
  settings: PostgresSettings,
  mode: TargetMode = 'swap',
  over: { restoreId?: string; scratchFolder?: string; accept?: readonly AcceptId[] } = {},
): Promise<RestoreTarget<PostgresDetails>> {
  return openPostgresTarget(
    settings,
    { mode, restoreId: RESTORE_ID, scratchFolder: '/nonexistent', ...over },
    testContext(),
  )
}

export async function restoreBeside(
  target: RestoreTarget<PostgresDetails>,
  captured: CapturedDatabase,
  context: Context,
): Promise<void> {
  await target.load(captured.details, captured.source, context)
}

/** All of a restore by swap. */
export async function restoreWhole(
  target: RestoreTarget<PostgresDetails>,
  captured: CapturedDatabase,
  context: Context,
): Promise<void> {
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  await target.swap(captured.details, context)
  await target.reopen(context)
}
