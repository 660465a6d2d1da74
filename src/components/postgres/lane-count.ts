import { availableParallelism } from 'node:os'
import type pg from 'pg'
import { z } from 'zod'
import { queryOne } from './query.ts'
import type { PostgresSettings } from './schema.ts'

const FEWEST = 2
const MOST = 4
/** So many transactions of others take one lane away: each may keep a processor of the server busy, as a lane does. */
const TRANSACTIONS_PER_LANE = 2

/** Every running statement and open transaction holds a lock on its own number. Unlike the states of sessions, all roles see these. */
const OTHERS = `select count(distinct pid)::int as busy from pg_locks
  where locktype = 'virtualxid' and granted and pid <> pg_backend_pid()`

/** How many lanes are read at once: what the settings say, or what this machine and the server's load at this moment let. */
export async function laneCount({ lanes }: PostgresSettings, session: pg.ClientBase): Promise<number> {
  if (lanes !== 'auto') return lanes
  const { busy } = await queryOne(session, z.object({ busy: z.number() }), OTHERS)
  return automaticLanes(availableParallelism(), busy)
}

/** Pure: never none. */
export function automaticLanes(cores: number, busy: number): number {
  const unloaded = Math.min(MOST, Math.max(FEWEST, cores))
  return Math.max(1, unloaded - Math.floor(busy / TRANSACTIONS_PER_LANE))
}

/**
 * How many sessions see one moment so that this many lanes are read at once. The first of them reads the fingerprint: it
 * needs a third of the processor time of lanes, so one is done before them, and more would only hold them up.
 */
export function sessionsFor(lanes: number): number {
  return 1 + lanes
}
