import { describe } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { Captured } from '../../transfer.ts'
import { checkRows } from './check-rows.ts'
import { withSession } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'

/** Looks for rows that could not be restored in a session of its own. That it cannot be opened or is lost fails no backup. */
export async function checkRowsBeside(
  server: Server,
  { database, rowCheckSeconds }: PostgresSettings,
  context: Context,
): Promise<readonly Finding[]> {
  try {
    return await withSession(server, database, context, (session) =>
      checkRows(session, database, rowCheckSeconds, context),
    )
  } catch (error) {
    context.signal.throwIfAborted()
    const message = `not looked through, as its session failed: ${describe(error)}`
    return [{ level: 'untested', subject: `database ${database}: rows`, message }]
  }
}

/** What was found goes with the point: who restores it months later must know. */
export function withRowFindings(
  captured: Captured<PostgresDetails>,
  findings: readonly Finding[],
): Captured<PostgresDetails> {
  const wrong = findings.filter(({ level }) => level === 'error')
  return {
    ...captured,
    details: {
      ...captured.details,
      rowCheck: findings.map(({ level, subject, message }) => ({ level, subject, message })),
    },
    notCaptured: [
      ...captured.notCaptured,
      ...wrong.map(({ subject, message }) => `Found at the capture in ${subject}: ${message}.`),
    ],
    findings,
  }
}
