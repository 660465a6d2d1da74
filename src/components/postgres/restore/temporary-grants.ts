import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { withNamelessFile } from '../../../system/files/anonymous-file.ts'
import { identifier, withSession } from '../connection/connection.ts'
import { linesOf } from '../capture/dump-contents.ts'
import { restoreDump } from './load/load.ts'
import type { LoadTarget } from './load/load.ts'
import { query, queryOne } from '../connection/query.ts'
import type { PostgresDetails, RestoreNeeds } from '../schema.ts'
import { change } from './target/database-target.ts'
import { makeExtensions } from './extensions.ts'
import type { Dump } from './load/staged-dump.ts'

/** What of a point decides whether owners need something made before all else. */
export type Owners = Pick<PostgresDetails, 'needs'>

/**
 * pg_restore makes an object and then gives it away, which takes the right of the new owner to create in the schema; it
 * grants that only behind all objects. And whoever makes an extension owns it for good. A superuser is asked for neither,
 * so this is for who is none: schemas and their grants come first, then extensions as their owners, then `act` with the
 * list of contents without the schemas. Rights that were lent for it are taken back at the end.
 */
export async function withTemporaryGrants(
  place: LoadTarget,
  { needs }: Owners,
  { dump, contents }: { readonly dump: Dump; readonly contents: string },
  context: Context,
  act: (list: string) => Promise<void>,
): Promise<void> {
  const superuser = await isSuperuser(place, context)
  if (needs === undefined || !concerns(needs, superuser)) return act(contents)
  const lines = linesOf(contents)
  await withNamelessFile(lines.schemas(), (list) => restoreDump(place, dump, [`--use-list=${list}`], context))
  const granted = await withSession(place.server, place.database, context, async (session) => {
    const guests = superuser ? [] : await grantCreate(session, needs.guests, context)
    await makeExtensions(session, needs.extensions, context)
    return guests
  })
  await act(lines.rest)
  await withSession(place.server, place.database, context, (session) => revokeCreate(session, granted, context))
}

function concerns({ guests, extensions }: RestoreNeeds, superuser: boolean): boolean {
  if (superuser) return extensions.some(({ owner }) => owner !== null)
  return guests.length > 0 || extensions.length > 0
}

async function isSuperuser({ server, database }: LoadTarget, context: Context): Promise<boolean> {
  const row = z.object({ superuser: z.boolean() })
  const sql = `select current_setting('is_superuser') = 'on' as superuser`
  return (await withSession(server, database, context, (session) => queryOne(session, row, sql))).superuser
}

type ObjectOwner = RestoreNeeds['guests'][number]

/** Those who had the right and lost it, or had it from who may not grant it here, still own what they made. */
const LACKING = `select n.nspname::text as schema, r.rolname::text as role
  from unnest($1::text[], $2::text[]) g(schema, role) join pg_namespace n on n.nspname = g.schema join pg_roles r on r.rolname = g.role
  where not has_schema_privilege(r.oid, n.oid, 'create') order by 1, 2`

async function grantCreate(
  session: pg.Client,
  guests: readonly ObjectOwner[],
  context: Context,
): Promise<readonly ObjectOwner[]> {
  const values = [guests.map(({ schema }) => schema), guests.map(({ role }) => role)]
  const lacking = await query(session, z.object({ schema: z.string(), role: z.string() }), LACKING, values)
  for (const { schema, role } of lacking)
    await change(
      session,
      'GRANT CREATE ON SCHEMA',
      `grant create on schema ${identifier(schema)} to ${identifier(role)}`,
      context,
    )
  return lacking
}

async function revokeCreate(session: pg.Client, granted: readonly ObjectOwner[], context: Context): Promise<void> {
  for (const { schema, role } of granted)
    await change(
      session,
      'REVOKE CREATE ON SCHEMA',
      `revoke create on schema ${identifier(schema)} from ${identifier(role)}`,
      context,
    )
}
