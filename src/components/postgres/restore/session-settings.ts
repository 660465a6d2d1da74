import { availableParallelism } from 'node:os'
import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { withSession } from '../connection/connection.ts'
import type { LoadTarget } from './load/load.ts'
import { query, queryOne, sqlFailure } from '../connection/query.ts'
import type { PostgresSettings } from '../schema.ts'
import { meaningOf } from '../connection/session-facts.ts'
import { sqlState } from './target/database-target.ts'
import { UNHINDERED } from '../connection/unhindered.ts'
import type { SessionSettings } from '../connection/unhindered.ts'

const FEWEST_JOBS = 2
const MOST_JOBS = 4
const row = z.object({ own: z.number(), shared: z.number() })
/** In kB; shared_buffers is counted in blocks. */
const MEMORY = `select pg_size_bytes(current_setting('maintenance_work_mem'))::float8 / 1024 as own,
  pg_size_bytes(current_setting('shared_buffers'))::float8 / 1024 as shared`
/** The most that PostgreSQL uses for one index before it is no longer faster. */
const MOST_KILOBYTES = 1024 * 1024

/** How many sessions load at once. The server's cores cannot be asked; drills run on this machine, and many restores do. */
export function jobsOf({ restoreJobs }: Pick<PostgresSettings, 'restoreJobs'>): number {
  return restoreJobs ?? Math.min(MOST_JOBS, Math.max(FEWEST_JOBS, availableParallelism()))
}

/**
 * For the sessions of one restore, and for no others on the server. What is loaded is not live yet, and is loaded anew if
 * the server dies, so no commit waits for the disk. Memory for indexes is what the server has for all its sessions
 * together (shared_buffers), shared among the jobs, and never less than it gives anyway.
 */
export function loadSettings(memory: z.infer<typeof row>, jobs: number): SessionSettings {
  const each = Math.floor(Math.min(MOST_KILOBYTES, Math.max(memory.own, memory.shared / jobs)))
  return {
    synchronous_commit: 'off',
    maintenance_work_mem: `${Math.max(each, Math.floor(memory.own))}kB`,
    // The jobs are the parallelism: workers on top of them would only wait for each other's cores.
    max_parallel_maintenance_workers: '0',
  }
}

/**
 * What a load is done with: what gave the data its meaning when it was captured, and nothing that would stand in the way. A
 * materialized view over a foreign table then fails at once where it would ask another server, and no trigger of the
 * database's own is told of anything.
 */
const LOADING: SessionSettings = {
  ...UNHINDERED,
  lc_messages: 'C',
  default_tablespace: '',
  temp_tablespaces: '',
  default_table_access_method: 'heap',
  event_triggers: 'off',
  restrict_nonsystem_relation_kind: 'foreign-table',
}

/** What of a point decides with which settings it is loaded. */
export type Meant = Parameters<typeof meaningOf>[0]

/**
 * The settings of all sessions and tools of one restore, without those that the server does not know or that the role may
 * not set. To be asked again once what the settings name in the database, such as a text search configuration, is made.
 */
export function readLoadSettings(place: LoadTarget, details: Meant, context: Context): Promise<SessionSettings> {
  return withSession(place.server, place.database, context, async (session) => {
    const speed = loadSettings(await queryOne(session, row, MEMORY), place.jobs)
    const taken = await takeable(session, { ...meaningOf(details), ...LOADING })
    return { ...taken, ...(await roleOf(session)), ...speed }
  })
}

/** What of data's meaning is not in force. */
export function lostMeaning(details: Meant, settings: SessionSettings): readonly string[] {
  return Object.keys(meaningOf(details)).filter((name) => !(name in settings))
}

/** A name that options can carry. */
const PLAIN_NAME = /^[a-z_][\w$]*(?:\.[a-z_][\w$]*)*$/i

/** Tries each; an error leaves the session as it was. */
async function takeable(session: pg.ClientBase, wanted: SessionSettings): Promise<SessionSettings> {
  const taken: [string, string][] = []
  for (const [name, value] of Object.entries(wanted).filter(([name]) => PLAIN_NAME.test(name))) {
    const isTaken = await session.query(SET, [name, value]).then(
      () => true,
      (error: unknown) => refused(error),
    )
    if (isTaken) taken.push([name, value])
  }
  return Object.fromEntries(taken)
}

/** The server's no; anything else is an error. */
function refused(error: unknown): false {
  if (sqlState(error) === '' || sqlState(error).startsWith('57P')) throw sqlFailure(error)
  return false
}

/** Whoever logs in as a role that has the rights of its own memberships may do no less without another one put on. */
async function roleOf(session: pg.ClientBase): Promise<SessionSettings> {
  const [found] = await query(session, z.object({ role: z.string() }), ROLE)
  return found ?? {}
}

const ROLE = `select 'none' as role from pg_roles where rolname = session_user and rolinherit`

const SET = 'select pg_catalog.set_config($1, $2, false)'

/** Gives a session that is open these settings. */
export async function applySettings(session: pg.ClientBase, settings: SessionSettings): Promise<void> {
  for (const setting of Object.entries(settings)) await query(session, z.unknown(), SET, setting)
}
