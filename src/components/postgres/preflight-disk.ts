import { statfs } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import { query } from './query.ts'
import type { PostgresDetails } from './schema.ts'
import type { Place } from './target-place.ts'

/** A loaded database is not packed tighter than the one that was captured, and its WAL needs room too: a fifth more. */
const FACTOR = { numerator: 6n, denominator: 5n }
const LOCAL = new Set(['localhost', '127.0.0.1', '::1'])

/** Whether the server has room for a second copy. Only a server on this machine can be asked. */
export async function diskFinding(admin: pg.Client, place: Place, details: PostgresDetails): Promise<Finding> {
  const needed = neededBytes(details)
  const folder = isLocal(place.server.host) ? await folderOf(admin, place.names.live) : undefined
  const free = folder === undefined ? undefined : await freeBytes(folder)
  if (free === undefined) {
    return {
      level: 'untested',
      subject: 'disk',
      message: `free space on the server cannot be read; ${gigabytes(needed)} are needed`,
    }
  }
  return spaceFinding(needed, free)
}

/** The same for a folder of this machine. */
export async function folderFinding(folder: string, details: PostgresDetails): Promise<Finding> {
  const free = await freeBytes(folder)
  if (free === undefined)
    return { level: 'untested', subject: 'disk', message: `free space of ${folder} cannot be read` }
  return spaceFinding(neededBytes(details), free)
}

export function spaceFinding(needed: bigint, free: bigint): Finding {
  const message = `${gigabytes(needed)} needed, ${gigabytes(free)} free`
  if (free >= needed) return { level: 'ok', subject: 'disk', message }
  return {
    level: 'error',
    subject: 'disk',
    message,
    hint: 'Make room where PostgreSQL keeps its data, for example by forgetting a previous database.',
  }
}

export function neededBytes({ size }: PostgresDetails): bigint {
  return withWal(BigInt(size))
}

function withWal(bytes: bigint): bigint {
  return (bytes * FACTOR.numerator) / FACTOR.denominator
}

export function isLocal(host: string): boolean {
  return isAbsolute(host) || LOCAL.has(host)
}

/** Where the side database will be: in the tablespace of the live one, whose folder is empty for the default. */
async function folderOf(admin: pg.Client, live: string): Promise<string | undefined> {
  const sql = 'select pg_tablespace_location(dattablespace) as folder from pg_database where datname = $1'
  const [found] = await query(admin, z.object({ folder: z.string() }), sql, [live])
  return found === undefined || found.folder === '' ? await dataFolder(admin) : found.folder
}

/** The setting is hidden from roles without pg_read_all_settings. */
async function dataFolder(admin: pg.Client): Promise<string | undefined> {
  const rows = await query(
    admin,
    z.object({ setting: z.string() }),
    `select setting from pg_settings where name = 'data_directory'`,
  )
  return rows[0]?.setting
}

/** Fails with `refused` when the folder has not the room for this much and its WAL. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder)
  const { message } = spaceFinding(withWal(BigInt(bytes)), free ?? 0n)
  if (free === undefined || free >= withWal(BigInt(bytes))) return
  throw new Failure('refused', `not enough room in ${folder} to load the dump: ${message}`, {
    hint: 'Make room there, or set TMPDIR to a folder with more. Nothing was loaded.',
  })
}

/** `localhost` may be a tunnel to another machine, or the folder may be closed to us: then nobody knows. */
async function freeBytes(folder: string): Promise<bigint | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder, { bigint: true })
    return bavail * bsize
  } catch {
    return undefined
  }
}

export function gigabytes(bytes: bigint): string {
  return `${(Number(bytes) / 1e9).toFixed(2)} GB`
}
