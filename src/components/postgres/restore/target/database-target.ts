import type { AcceptId } from '../../../../core/accept-ids.ts'
import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { connect, withSession } from '../../connection/connection.ts'
import type { Server } from '../../connection/connection.ts'
import type { RestoreNames } from '../../names.ts'
import { queryOne, sqlFailure } from '../../connection/query.ts'
import type { PostgresSettings } from '../../schema.ts'

/** What one restore works on: a server, the role to use there, and the names of its databases. */
export interface DatabaseTarget {
  readonly settings: PostgresSettings
  readonly server: Server
  readonly names: RestoreNames
  readonly restoreId: string
  /** What the operator agreed to restore without. */
  readonly accept: readonly AcceptId[]
}

/** How the settings say to reach the server for a restore. */
export function restoreServer(settings: PostgresSettings): Server {
  const { host, port, tls, tlsCa, through } = settings
  return {
    host,
    port,
    user: settings.restoreUser ?? settings.user,
    password: settings.restorePassword ?? settings.password,
    tls,
    tlsCa,
    through,
  }
}

/** A session on the maintenance database, from which databases are made, renamed and dropped. */
export function withAdmin<Result>(
  place: DatabaseTarget,
  context: Context,
  act: (admin: pg.Client) => Promise<Result>,
): Promise<Result> {
  return withSession(place.server, place.settings.maintenanceDatabase, context, async (admin) => {
    await attempt(WRITABLE, () => admin.query(WRITABLE))
    return act(admin)
  })
}

/** The role, or the maintenance database, may be set to only read. */
const WRITABLE = 'set default_transaction_read_only = off'

/** A session on one of the restore's databases. */
export function openSession(place: DatabaseTarget, database: string, context: Context): Promise<pg.Client> {
  return connect(place.server, database, context)
}

/** What the server is, from any of its databases. */
export function readServer(place: DatabaseTarget, context: Context): Promise<{ readonly version: number }> {
  return withAdmin(place, context, (admin) => queryOne(admin, serverRow, SERVER))
}

const serverRow = z.object({ version: z.number() })
const SERVER = `select current_setting('server_version_num')::int as version`

/** A statement that changes the server. Its name is stable across runs; its text need not be. */
export async function change(client: pg.Client, name: string, sql: string, context: Context): Promise<void> {
  await context.effects.run(`sql ${name}`, async () => {
    await attempt(name, () => client.query(sql))
  })
}

/** Runs `act`; an error of the server becomes a Failure that names what was attempted. */
export async function attempt<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (cause) {
    const failure = sqlFailure(cause)
    throw new Failure(failure.kind, `${what}: ${describe(cause)}`, { cause, facts: failure.facts })
  }
}

/** The SQLSTATE of an error of the server, or of the Failure it became; empty for any other error. */
export function sqlState(error: unknown): string {
  const origin = error instanceof Failure ? error.cause : error
  return origin instanceof Error && 'code' in origin && typeof origin.code === 'string' ? origin.code : ''
}
