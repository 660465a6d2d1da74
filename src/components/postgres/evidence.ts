import type pg from 'pg'
import type { Context } from '../../core/ports.ts'
import type { EvidenceQuery, EvidenceRow, EvidenceTaker } from '../evidence.ts'
import { connect, type Server } from './connection/connection.ts'
import { proveBuiltIn } from './check/prove-built-in.ts'
import { sqlFailure } from './connection/query.ts'

const BATCH = 500
const STATEMENT_LIMIT = 600_000
/** Every value stays as the server writes it, so that it is the same bytes whatever type a column has. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Rows of a loaded database, in a read-only transaction of their own. */
export async function* readRows(
  place: { readonly server: Server; readonly database: string },
  query: EvidenceQuery,
  context: Context,
): AsyncGenerator<EvidenceRow> {
  const client = await connect(place.server, place.database, context)
  try {
    await client.query('begin isolation level repeatable read read only')
    yield* flat(batches(client, query))
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Rows of the snapshot that is being captured, for key fit. Only what runs nothing of the database is asked. A statement that fails, for example because this version of
 * the app has no such table, leaves the transaction as it was.
 */
export async function giveEvidence(session: pg.ClientBase, evidence: EvidenceTaker | undefined): Promise<void> {
  for (const query of evidence?.queries ?? []) {
    await session.query('savepoint evidence')
    await evidence?.rows(query, provenRows(session, query))
    // Also takes back the search path and the limit, which the fingerprint is not to be read with.
    await session.query('rollback to savepoint evidence')
  }
}

/** Of a session in a transaction that only reads. */
export async function* provenRows(session: pg.ClientBase, query: EvidenceQuery): AsyncGenerator<EvidenceRow> {
  await proveBuiltIn(session, query.sql)
  yield* flat(batches(session, query))
}

async function* flat(source: AsyncIterable<EvidenceRow[]>): AsyncGenerator<EvidenceRow> {
  for await (const batch of source) yield* batch
}

async function* batches(client: pg.ClientBase, { sql, limit }: EvidenceQuery): AsyncGenerator<EvidenceRow[]> {
  try {
    await client.query(`set local statement_timeout = ${STATEMENT_LIMIT}; set local search_path to default`)
    // The extended protocol takes one statement only, so it cannot end the transaction and go on outside of it.
    const declaration = { text: `declare evidence no scroll cursor for ${sql}`, queryMode: 'extended' }
    await client.query(declaration)
    for (let left = limit; left > 0; left -= BATCH) {
      const text = `fetch ${Math.min(BATCH, left)} from evidence`
      const { rows } = await client.query<EvidenceRow>({ text, types: AS_TEXT })
      if (rows.length > 0) yield rows
      if (rows.length < BATCH) return
    }
  } catch (error) {
    throw sqlFailure(error)
  }
}
