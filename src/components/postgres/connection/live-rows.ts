import type { Context } from '../../../core/ports.ts'
import type { EvidenceQuery, EvidenceRow } from '../../evidence.ts'
import { readerOf } from '../capture/capture.ts'
import { provenRows } from '../evidence.ts'
import type { PostgresSettings } from '../schema.ts'
import { beginReading } from './snapshot.ts'

/** Rows of the live database, by the role that backs up, in a read-only transaction. */
export async function* readLiveRows(
  settings: PostgresSettings,
  query: EvidenceQuery,
  context: Context,
): AsyncGenerator<EvidenceRow> {
  const session = await beginReading(readerOf(settings), settings.database, context)
  try {
    yield* provenRows(session, query)
  } finally {
    await session.end().catch(() => {})
  }
}
