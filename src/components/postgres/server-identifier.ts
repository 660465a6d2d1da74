import { z } from 'zod'
import { throwIfCancelled } from '../../core/cancelled.ts'
import type { Context } from '../../core/ports.ts'
import { readerOf } from './capture/capture.ts'
import { withSession, type Server } from './connection/connection.ts'
import { queryOne } from './connection/query.ts'
import { restoreServer } from './restore/target/database-target.ts'
import type { PostgresSettings } from './schema.ts'

/** What a server calls itself, by whichever name it is reached. A copy of its files, and its standby, call themselves the same. */
export async function serverIdentifier(settings: PostgresSettings, context: Context): Promise<string | undefined> {
  return (
    (await ask(restoreServer(settings), settings.maintenanceDatabase, context)) ??
    (await ask(readerOf(settings), settings.database, context))
  )
}

const row = z.object({ id: z.string() })
const IDENTIFIER = 'select system_identifier::text as id from pg_control_system()'

/** Undefined where it does not say: the login is refused, nothing is there, or the provider does not let it be asked. */
async function ask(server: Server, database: string, context: Context): Promise<string | undefined> {
  try {
    return (await withSession(server, database, context, (session) => queryOne(session, row, IDENTIFIER))).id
  } catch (error) {
    throwIfCancelled(error, context.signal)
    return undefined
  }
}
