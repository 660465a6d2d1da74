import type { Server } from '../../connection/connection.ts'
import { statfs } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { query } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'
import type { DatabaseTarget } from '../target/database-target.ts'

/** A loaded database is not packed tighter than the one that was captured, and its WAL needs room too: a fifth more. */
const FACTOR = { numerator: 6n, denominator: 5n }
const LOCAL = new Set(['localhost', '127.0.0.1', '::1'])

/** Whether the server has room for a second copy. Only a server on this machine can be asked. */
export async function diskFinding(admin: pg.Client, place: DatabaseTarget, details: PostgresDetails): Promise<Finding> {
  const needed = neededBytes(details)
  const free = await freeAt(admin, place)
  if (free === undefined) return unknownSpace(needed)
  return spaceFinding(needed, free, BESIDE)
}

const BESIDE =
  'Make room where PostgreSQL keeps its data, for example by forgetting a previous database; or restore with --target in-place, which drops the live data first.'

/** How a restore over the live data is loaded, as far as room decides it. */
export interface RoomInPlace {
  readonly finding: Finding
  /** There is no room for old and new at once, as one transaction would need it: what is live goes before the rows come. */
  readonly dropsFirst: boolean
}

/** A restore over the live data that is one transaction needs room for both; one with lanes drops before it loads. */
export async function roomInPlace(
  admin: pg.Client,
  place: DatabaseTarget,
  details: PostgresDetails,
): Promise<RoomInPlace> {
  const needed = neededBytes(details)
  const free = await freeAt(admin, place)
  if (free === undefined) return { finding: unknownSpace(needed), dropsFirst: false }
  return chooseInPlace({
    needed,
    free,
    live: await liveBytes(admin, place.names.live),
    lanes: details.lanes.length > 0,
  })
}

export function chooseInPlace(room: { needed: bigint; free: bigint; live: bigint; lanes: boolean }): RoomInPlace {
  const { needed, free, live, lanes } = room
  const dropsFirst = lanes || free < needed
  const finding = spaceFinding(needed, dropsFirst ? free + live : free)
  if (finding.level !== 'ok' || lanes || !dropsFirst) return { finding, dropsFirst }
  const message = `${gigabytes(needed)} needed, ${gigabytes(free)} free: the live data is dropped before the rows are loaded, so a failure leaves neither`
  const hint = 'The safety point then repairs it. With more room it is one transaction.'
  return { finding: { level: 'warning', subject: 'disk', message, hint }, dropsFirst }
}

async function liveBytes(admin: pg.Client, live: string): Promise<bigint> {
  const sql = 'select pg_database_size(oid)::text as bytes from pg_database where datname = $1'
  const [found] = await query(admin, z.object({ bytes: z.string() }), sql, [live])
  return BigInt(found?.bytes ?? 0)
}

async function freeAt(admin: pg.Client, place: DatabaseTarget): Promise<bigint | undefined> {
  const folder = isLocal(place.server) ? await folderOf(admin, place.names.live) : undefined
  return folder === undefined ? undefined : freeBytes(folder)
}

function unknownSpace(needed: bigint): Finding {
  const message = `free space on the server cannot be read; ${gigabytes(needed)} are needed`
  return { level: 'untested', subject: 'disk', message }
}

/** The same for a folder of this machine. */
export async function folderFinding(folder: string, details: PostgresDetails): Promise<Finding> {
  const free = await freeBytes(folder)
  if (free === undefined)
    return { level: 'untested', subject: 'disk', message: `free space of ${folder} cannot be read` }
  return spaceFinding(withWal(bytesWithRows(details)), free)
}

const MAKE_ROOM = 'Make room where PostgreSQL keeps its data, for example by forgetting a previous database.'

export function spaceFinding(needed: bigint, free: bigint, hint = MAKE_ROOM): Finding {
  const message = `${gigabytes(needed)} needed, ${gigabytes(free)} free`
  if (free >= needed) return { level: 'ok', subject: 'disk', message }
  return { level: 'error', subject: 'disk', message, hint }
}

/** What a place needs that gets no live rows: tables whose rows are left out are empty there. */
function bytesWithRows({ size, withoutRows = [] }: PostgresDetails): bigint {
  const left = withoutRows.reduce((rest, { bytes }) => rest - BigInt(bytes), BigInt(size))
  return left > 0n ? left : 0n
}

export function neededBytes({ size }: PostgresDetails): bigint {
  return withWal(BigInt(size))
}

function withWal(bytes: bigint): bigint {
  return (bytes * FACTOR.numerator) / FACTOR.denominator
}

export function isLocal({ host, through }: Pick<Server, 'host' | 'through'>): boolean {
  return through === undefined && (isAbsolute(host) || LOCAL.has(host))
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
