import type pg from 'pg'
import { z } from 'zod'
import type { TargetState } from '../../../target.ts'
import { parseMarker } from '../staged/marker.ts'
import type { Marker } from '../staged/marker.ts'
import type { RestoreNames } from '../../names.ts'
import { query } from '../../connection/query.ts'

/** A database as the server's catalog has it. */
export interface DatabaseRow {
  readonly name: string
  readonly open: boolean
  readonly connectionLimit: number
  readonly owner: string
  readonly tablespace: string
  readonly comment: string | null
  readonly marker: Marker | undefined
}

/** Which of a restore's databases exist now. It is all that a run knows about what earlier runs did. */
export interface RestoreDatabases {
  readonly live: DatabaseRow | undefined
  readonly side: DatabaseRow | undefined
  readonly reference: DatabaseRow | undefined
  readonly previous: DatabaseRow | undefined
  readonly undone: DatabaseRow | undefined
}

const databaseRow = z.object({
  name: z.string(),
  open: z.boolean(),
  connectionLimit: z.number(),
  owner: z.string(),
  tablespace: z.string(),
  comment: z.string().nullable(),
})

const DATABASES = `select d.datname as name, d.datallowconn as open, d.datconnlimit as "connectionLimit",
    pg_get_userbyid(d.datdba)::text as owner, t.spcname as tablespace, shobj_description(d.oid, 'pg_database') as comment
  from pg_database d join pg_tablespace t on t.oid = d.dattablespace`

export async function readDatabases(admin: pg.Client): Promise<readonly DatabaseRow[]> {
  const rows = await query(admin, databaseRow, DATABASES)
  return rows.map((row) => ({ ...row, marker: parseMarker(row.comment) }))
}

export async function readWorld(admin: pg.Client, names: RestoreNames): Promise<RestoreDatabases> {
  const rows = await readDatabases(admin)
  const find = (name: string): DatabaseRow | undefined => rows.find((row) => row.name === name)
  return {
    live: find(names.live),
    side: find(names.side),
    reference: find(names.reference),
    previous: find(names.previous),
    undone: find(names.undone),
  }
}

/**
 * The state of a swap restore. The rename to the previous name and the rename to the live name are one transaction, so
 * a marked previous database means that both happened. After an undo the live data is the old again: `untouched`.
 */
export function stateOf(world: RestoreDatabases, restoreId: string): TargetState {
  if (isOurs(world.previous, restoreId, 'previous') || isOurs(world.live, restoreId, 'restored')) return 'swapped'
  if (world.live?.open === false) return 'fenced'
  return world.side === undefined ? 'untouched' : 'staged'
}

/** Whether a database bears the mark of this restore in this role. */
export function isOurs(
  row: DatabaseRow | undefined,
  restoreId: string,
  role: Marker['role'],
): row is DatabaseRow & { readonly marker: Marker } {
  return row?.marker?.restoreId === restoreId && row.marker.role === role
}
