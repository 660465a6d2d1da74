import type pg from 'pg'
import { z } from 'zod'
import { query } from '../connection/query.ts'
import type { PostgresDetails } from '../schema.ts'

type PublicSchema = NonNullable<PostgresDetails['publicSchema']>

const schema = z.object({ oid: z.number() })
const PUBLIC = `select oid from pg_namespace where nspname = 'public'`
/** Of the one in template0, in every version. */
const BORN = 2200

/** Every new database has a schema `public`. pg_dump does not say that it was dropped, and until 14 not that it was made anew. */
export async function readPublicSchema(session: pg.ClientBase): Promise<PublicSchema> {
  const [found] = await query(session, schema, PUBLIC)
  if (found === undefined) return 'absent'
  return found.oid === BORN ? 'born' : 'made anew'
}
