import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { identifier } from '../../connection/connection.ts'
import { query, queryOne, sqlFailure } from '../../connection/query.ts'

/** Under what an entry is tried. */
export interface Surroundings {
  /** As `search_path` has it; empty is how a dump is loaded ordinarily. */
  readonly path: string
  /** Who acts, where the session may; the session's own role otherwise. */
  readonly role?: string
}

/** What the server said when it refused a statement. */
export interface Refusal {
  readonly sqlState: string
  readonly message: string
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
}

const refusal = z.object({
  code: z.string().length(5),
  schema: z.string().optional(),
  table: z.string().optional(),
  dataType: z.string().optional(),
  constraint: z.string().optional(),
})

/**
 * Runs `act` in one transaction under these surroundings: all of it is there afterwards, or nothing. Gives what the server
 * refused; a session that was lost, a cancellation, or a dump that cannot be read is thrown.
 */
export async function attemptIn(
  session: pg.Client,
  { path, role }: Surroundings,
  act: () => Promise<void>,
  context: Context,
): Promise<Refusal | undefined> {
  context.signal.throwIfAborted()
  try {
    await session.query('begin')
    if (role !== undefined && (await mayBe(session, role))) await session.query(`set local role ${identifier(role)}`)
    await query(session, z.unknown(), `select pg_catalog.set_config('search_path', $1, true)`, [path])
    await session.query('set local check_function_bodies = off')
    await act()
    await session.query('commit')
    return undefined
  } catch (error) {
    const refused = refusalOf(error)
    if (refused === undefined) throw error
    await session.query('rollback')
    return refused
  }
}

/** What the server refused; undefined for any other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  const origin = error instanceof Failure ? error.cause : error
  const parsed = refusal.safeParse(origin)
  const { kind } = sqlFailure(origin)
  if (!parsed.success || kind === 'unreachable' || kind === 'refused' || kind === 'cancelled') return undefined
  const { code: sqlState, ...rest } = parsed.data
  return { sqlState, message: describe(origin), ...rest }
}

const may = z.object({ may: z.boolean() })

async function mayBe(session: pg.Client, role: string): Promise<boolean> {
  const sql = `select coalesce((select pg_has_role(oid, 'member') from pg_catalog.pg_roles where rolname = $1), false) as may`
  return (await queryOne(session, may, sql, [role])).may
}
