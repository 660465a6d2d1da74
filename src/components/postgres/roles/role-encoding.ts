import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { queryOne } from '../connection/query.ts'
import type { CapturedRole, PostgresDetails } from '../schema.ts'

/**
 * The name of a role is bytes, in the encoding of the database where it was made. From a database of another encoding the
 * role has another name, and what is made there is another role.
 */
const ASCII = /^[\x20-\x7e]*$/
/** Names are as they are there, whatever database one is in. */
export const RAW = 'SQL_ASCII'

/** What a throw-away server needs so that the roles of a point are the owners that its dump names. */
export function encodingForRoles({ encoding, roles, owner }: PostgresDetails): { readonly encoding?: string } {
  const isPlain = [owner, ...roles.map(({ name }) => name)].every((name) => ASCII.test(name))
  return isPlain || encoding === RAW ? {} : { encoding }
}

/** The bytes of `rolname`. Those that are no UTF-8 cannot be converted there, and are sent as they are to a client of the same encoding. */
const BYTES = `case getdatabaseencoding() when 'UTF8' then textsend(rolname::text) else convert_to(rolname::text, getdatabaseencoding()) end`

/** A condition: the role in `rolname` has this name in a database of that encoding. The session's own client encoding is UTF-8. */
export function sameRole(name: string, encoding: string): string {
  return `case when ${encoding} in (getdatabaseencoding(), '${RAW}') then rolname = ${name} else ${BYTES} = convert_to(${name}, ${encoding}) end`
}

const base = z.object({ encoding: z.string(), database: z.string() })
const BASE = 'select getdatabaseencoding()::text as encoding, current_database()::text as database'

/** Roles that cannot be made from the database of the session, which is of another encoding. */
export async function encodingFindings(
  admin: pg.Client,
  missing: readonly CapturedRole[],
  { encoding }: PostgresDetails,
): Promise<Finding[]> {
  const names = missing.map(({ name }) => name).filter((name) => !ASCII.test(name))
  if (names.length === 0 || encoding === RAW) return []
  const own = await queryOne(admin, base, BASE)
  if (own.encoding === encoding) return []
  return [
    {
      level: 'error',
      subject: 'roles',
      message: `with names in ${encoding} cannot be made from database ${own.database}, which is ${own.encoding}: ${names.join(', ')}`,
      hint: `Make a database of that encoding (CREATE DATABASE upkeep TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'), and set maintenanceDatabase to it.`,
    },
  ]
}
