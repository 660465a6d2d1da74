import type { Context } from '../../core/ports.ts'
import type { ServerMoment } from '../../core/safety/server-moment.ts'
import { readerOf } from './capture/capture.ts'
import { withSession } from './connection/connection.ts'
import { readServerMoment } from './read-server-moment.ts'
import type { PostgresSettings } from './schema.ts'

/** Where the server is now, as the role that backs up sees it. */
export async function serverMoment(settings: PostgresSettings, context: Context): Promise<ServerMoment | undefined> {
  return await withSession(readerOf(settings), settings.database, context, (session) =>
    readServerMoment(session, context),
  )
}
