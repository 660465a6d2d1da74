import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { withSession } from '../../connection/connection.ts'
import type { PostgresDetails } from '../../schema.ts'
import { findTable } from '../staged/preserved.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'
import { hasRows } from './match-tables.ts'
import { tablesToCarry } from './tables-to-carry.ts'

/** In place the live rows are dropped with their database. Those of tables that backups leave out are in no restore point. */

const MESSAGE = 'has live rows that no restore point has, and a restore over the live database would lose them'
const HINT =
  'Restore with swap, which carries them over. Or save them first (pg_dump --data-only --table), and restore with --accept without-live-rows.'

export async function lossFindings(
  place: DatabaseTarget,
  details: PostgresDetails,
  live: DatabaseRow | undefined,
  context: Context,
): Promise<readonly Finding[]> {
  if (live?.open !== true) return []
  const lost = await tablesToLose(place, details, context)
  return lost.map((name) => ({ level: 'error', subject: `table without rows ${name}`, message: MESSAGE, hint: HINT }))
}

/** Fails with `refused`, behind the fence and before anything of the live data was changed. */
export async function requireNoLoss(place: DatabaseTarget, details: PostgresDetails, context: Context): Promise<void> {
  const [first] = await tablesToLose(place, details, context)
  if (first === undefined) return
  throw new Failure('refused', `table ${first} ${MESSAGE}`, { hint: HINT, facts: { accept: 'without-live-rows' } })
}

async function tablesToLose(
  place: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<readonly string[]> {
  const wanted = tablesToCarry({ ...place, settings: { ...place.settings, preserve: [] } }, details)
  if (wanted.length === 0) return []
  return withSession(place.server, place.names.live, context, async (session) => {
    const filled: string[] = []
    for (const { name } of wanted) {
      const table = await findTable(session, name)
      if (table !== undefined && (await hasRows(session, table))) filled.push(table.name)
    }
    return filled
  })
}
