import type pg from 'pg'
import { z } from 'zod'
import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { literal } from '../connection/connection.ts'
import { query } from '../connection/query.ts'

/** As long as others are let go first, all in all. */
const LIMIT = 300_000
const PAUSE = 100
const AT_ONCE = 200

const relation = z.object({ oid: z.coerce.string(), name: z.string() })
type Relation = z.infer<typeof relation>

/** The tables that a dump reads, as far as this role may. */
const RELATIONS = `select c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and pg_catalog.has_table_privilege(c.oid, 'SELECT') order by c.oid`

/** Those that a session of others has for itself, or waits to have. */
const TAKEN = `select distinct relation::oid as oid from pg_catalog.pg_locks
  where locktype = 'relation' and mode = 'AccessExclusiveLock' and pid <> pg_catalog.pg_backend_pid()
    and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`
const taken = z.object({ oid: z.coerce.string() })

/**
 * Begins a transaction by `begin` that holds all tables against being dropped or rewritten, before it sees anything: what it
 * sees then is what is in them. It never waits while it holds a lock, so that no deadlock, and no end of a migration
 * of the app, can come of it: it gives back what it has, lets the other go first, and begins anew.
 */
export async function beginHolding(session: pg.ClientBase, begin: string, context: Context): Promise<void> {
  const deadline = context.clock.monotonic() + LIMIT
  let first: Relation | undefined
  for (;;) {
    const relations = await query(session, relation, RELATIONS)
    const left = Math.max(1, Math.ceil(deadline - context.clock.monotonic()))
    try {
      await run(session, begin)
      await lockAll(session, relations, { first, left })
      return
    } catch (error) {
      await run(session, 'rollback')
      if (!isGone(error) || left === 1) throw error
      first = await nextToWaitFor(session, relations)
      await context.clock.sleep(PAUSE, context.signal)
    }
  }
}

interface Order {
  /** The one that was taken the last time is waited for, with nothing in hand. */
  readonly first: Relation | undefined
  readonly left: number
}

async function lockAll(session: pg.ClientBase, relations: readonly Relation[], { first, left }: Order): Promise<void> {
  if (first !== undefined) {
    await run(session, `set local lock_timeout = ${literal(`${left}ms`)}`)
    await run(session, `lock table only ${first.name} in access share mode`)
  }
  const names = relations.map(({ name }) => `only ${name}`)
  for (let index = 0; index < names.length; index += AT_ONCE)
    await run(session, `lock table ${names.slice(index, index + AT_ONCE).join(', ')} in access share mode nowait`)
}

/** A lock that was not free, or a table that was dropped since it was listed. */
function isGone(error: unknown): boolean {
  return (
    isFailure(error, 'locked') || (isFailure(error, 'toolFailed') && GONE.includes(String(error.facts['sqlState'])))
  )
}

const GONE = ['42P01', '3F000', '40P01']

async function nextToWaitFor(session: pg.ClientBase, relations: readonly Relation[]): Promise<Relation | undefined> {
  const others = new Set((await query(session, taken, TAKEN)).map(({ oid }) => oid))
  return relations.find(({ oid }) => others.has(oid))
}

async function run(session: pg.ClientBase, statement: string): Promise<void> {
  await query(session, z.unknown(), statement)
}
