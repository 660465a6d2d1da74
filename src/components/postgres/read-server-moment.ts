import { createHash } from 'node:crypto'
import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import type { ServerMoment } from '../../core/safety/server-moment.ts'
import { queryOne } from './connection/query.ts'

const row = z.object({ id: z.string(), file: z.string().nullable(), position: z.string().nullable() })

/**
 * The log is asked for where it was flushed to: what was only written may be gone after a crash that lost nothing. A standby
 * says neither place nor timeline, as it may lag behind what another backup read from its primary.
 */
const MOMENT = `
  select s.system_identifier::text as id,
    case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_flush_lsn()) end as file,
    case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn()::text end as position
  from pg_control_system() s`

/** Undefined where the server does not let this role ask, as some providers do. Not to be called inside a transaction. */
export async function readServerMoment(session: pg.ClientBase, context: Context): Promise<ServerMoment | undefined> {
  try {
    const { id, file, position } = await queryOne(session, row, MOMENT)
    return { server: nameOf(id), timeline: file === null ? null : Number.parseInt(file.slice(0, 8), 16), position }
  } catch (error) {
    if (context.signal.aborted) throw error
    return undefined
  }
}

/** Commits are readable by anyone: they tell servers apart, and do not say the identifier itself. */
function nameOf(identifier: string): string {
  return createHash('sha256').update(`holdfast/1 server\0${identifier}`).digest('hex').slice(0, 16)
}
