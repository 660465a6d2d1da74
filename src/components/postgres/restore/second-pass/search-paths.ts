import type pg from 'pg'
import { z } from 'zod'
import { identifier } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'

export type PathSource = Pick<PostgresDetails, 'owner' | 'settings' | 'roles'>

/** What PostgreSQL has where nobody set one. */
const DEFAULT = '"$user", public'
const SCHEMAS = `select nspname::text as name from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
  order by nspname <> 'public', nspname`

/** The search path that applications of the captured database had: the owner's there, the database's, the owner's anywhere. */
function capturedPath({ owner, settings, roles }: PathSource): string {
  const ofOwner = roles.find(({ name }) => name === owner)?.settings.filter(({ name }) => name === 'search_path') ?? []
  const inDatabase = ofOwner.find((one) => one.inDatabase)
  const ofDatabase = settings.find(({ name }) => name === 'search_path')
  const path = (inDatabase ?? ofDatabase ?? ofOwner[0])?.value ?? DEFAULT
  // The session is not the owner's.
  return path.replaceAll(/"?\$user"?/g, () => identifier(owner))
}

/** The paths under which an object is tried, most likely first: the captured one, then one with every schema there is. */
export async function searchPaths(session: pg.ClientBase, source: PathSource): Promise<readonly string[]> {
  const schemas = await query(session, z.object({ name: z.string() }), SCHEMAS)
  return [...new Set([capturedPath(source), pathOf(schemas.map(({ name }) => name))])].filter((path) => path !== '')
}

function pathOf(schemas: readonly string[]): string {
  return schemas.map((schema) => identifier(schema)).join(', ')
}
