import { availableParallelism } from 'node:os'
import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { queryOne } from './query.ts'
import type { PostgresSettings } from '../schema.ts'

const FEWEST = 2
const MOST = 4
/** So many transactions of others take one lane away: each may keep a processor of the server busy, as a lane does. */
const TRANSACTIONS_PER_LANE = 2

/** Every running statement and open transaction holds a lock on its own number. Unlike the states of sessions, all roles see these. */
const OTHERS = `select count(distinct pid)::int as busy from pg_locks
  where locktype = 'virtualxid' and granted and pid <> pg_backend_pid()`

/** A transaction of an application is short: one look may fall between two. */
const LOOKS = 3
const BETWEEN_LOOKS = 10

/** How hard the server is read. */
export interface Pace {
  readonly lanes: number
  /** Others use the server: the fingerprint waits for the lanes, so that fewer processes of the server read at once. */
  readonly inTurn: boolean
}

/** What the settings say, or what this machine and the server's load at this moment let. */
export async function readPace(
  { parallelReads: lanes }: PostgresSettings,
  session: pg.ClientBase,
  context: Context,
): Promise<Pace> {
  if (lanes !== 'auto') return { lanes, inTurn: false }
  const looks: number[] = []
  for (let look = 0; look < LOOKS; look += 1) {
    if (look > 0) await context.clock.sleep(BETWEEN_LOOKS, context.signal)
    looks.push((await queryOne(session, z.object({ busy: z.number() }), OTHERS)).busy)
  }
  return automaticPace(availableParallelism(), Math.max(...looks))
}

/** Pure: in turn as soon as a lane is given up for others. */
export function automaticPace(cores: number, busy: number): Pace {
  const lanes = automaticLanes(cores, busy)
  return { lanes, inTurn: lanes < automaticLanes(cores, 0) }
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
