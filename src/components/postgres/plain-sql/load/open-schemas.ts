import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { identifier, withSession } from '../../connection/connection.ts'
import type { Server } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import { EVERYONE } from '../roles.ts'

const CLOSED = `select 'schema' as kind, nspname::text as name from pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema' and not (has_schema_privilege('${EVERYONE}', oid, 'create') and has_schema_privilege('${EVERYONE}', oid, 'usage'))
  union all select 'database', current_database()::text where not has_database_privilege('${EVERYONE}', current_database(), 'create')`
const closed = z.object({ kind: z.enum(['schema', 'database']), name: z.string() })
const RIGHTS = { schema: 'create, usage', database: 'create' } as const

/**
 * Whether something was opened that was not before, for the time of loading: who is given a table in a schema must be allowed to
 * create tables there, and who makes a schema to create one.
 */
export async function openSchemas(
  { superuser, database }: { readonly superuser: Server; readonly database: string },
  context: Context,
): Promise<boolean> {
  return withSession(superuser, database, context, async (admin) => {
    const found = await query(admin, closed, CLOSED)
    for (const { kind, name } of found)
      await query(admin, z.unknown(), `grant ${RIGHTS[kind]} on ${kind} ${identifier(name)} to ${EVERYONE}`)
    return found.length > 0
  })
}
