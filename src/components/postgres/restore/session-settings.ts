import { availableParallelism } from 'node:os'
import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { literal, withSession } from '../connection.ts'
import type { Server } from '../connection.ts'
import { query, queryOne } from '../query.ts'
import type { PostgresSettings } from '../schema.ts'
import type { SessionSettings } from '../tool-run.ts'

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

export function readLoadSettings(
  server: Server,
  database: string,
  jobs: number,
  context: Context,
): Promise<SessionSettings> {
  return withSession(server, database, context, async (session) =>
    loadSettings(await queryOne(session, row, MEMORY), jobs),
  )
}

/** Gives a session that is open these settings. */
export async function applySettings(session: pg.ClientBase, settings: SessionSettings): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await query(session, z.unknown(), `set ${name} = ${literal(value)}`)
}
