import type pg from 'pg'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { readerOf } from '../capture/capture.ts'
import { readPace, sessionsFor } from '../connection/pace.ts'
import type { PostgresSettings } from '../schema.ts'
import { withSnapshot } from '../connection/snapshot.ts'

/** Whether a backup can read over several sessions at one moment. */
export async function checkSnapshot(
  settings: PostgresSettings,
  session: pg.ClientBase,
  context: Context,
): Promise<Finding> {
  const { database } = settings
  const subject = `database ${database}: snapshot`
  const count = sessionsFor((await readPace(settings, session, context)).lanes)
  return withSnapshot<Finding>(
    { server: readerOf(settings), database, count },
    context,
    async () => ({ level: 'ok', subject, message: `${count} sessions see the same moment` }),
    async (reason) => ({
      level: 'warning',
      subject,
      message: `not shared between ${count} sessions, so a backup is one slow stream and does not compare what changes meanwhile: ${reason}`,
      hint: 'Set host and port to the server itself, and leave the role and its pool enough connections.',
    }),
  )
}
