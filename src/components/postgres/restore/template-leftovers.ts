import type pg from 'pg'
import type { Context } from '../../../core/ports.ts'
import { isFailure } from '../../../core/failure.ts'
import { withSession } from '../connection.ts'
import type { LoadPlace } from '../load.ts'
import type { PostgresDetails } from '../schema.ts'
import { change } from '../target-place.ts'

type Captured = Pick<PostgresDetails, 'publicSchema' | 'fingerprint'>

/** The pg_dump that says of schema `public` what it says of others. */
const PUBLIC_SINCE = 15

/**
 * What a new database has of template0 and the captured one had no more, or had made anew: no dump removes it. Left where
 * the role may not remove it, and the comparison knows.
 */
export async function removeLeftovers(
  { server, database }: LoadPlace,
  captured: Captured,
  context: Context,
): Promise<void> {
  const statements = leftovers(captured)
  if (statements.length === 0) return
  await withSession(server, database, context, async (session) => {
    for (const [name, statement] of statements) await tryTo(session, name, statement, context)
  })
}

type Statement = readonly [name: string, sql: string]

function leftovers({ publicSchema, fingerprint }: Captured): readonly Statement[] {
  const { objects, extensions, definitionsBy } = fingerprint
  const has = (name: string): boolean => objects.some((one) => one.name === name)
  const language = extensions.some(({ name }) => name === 'plpgsql') && !has('EXTENSION plpgsql')
  const comment = definitionsBy < PUBLIC_SINCE || has('COMMENT SCHEMA "public"')
  return [
    ...(language ? [] : [['DROP EXTENSION plpgsql', 'drop extension if exists plpgsql'] as const]),
    ...(publicSchema === false ? [['DROP SCHEMA public', 'drop schema if exists public'] as const] : []),
    ...(comment || publicSchema === false
      ? []
      : [['COMMENT ON SCHEMA public', 'comment on schema public is null'] as const]),
  ]
}

async function tryTo(session: pg.Client, name: string, statement: string, context: Context): Promise<void> {
  try {
    await change(session, name, statement, context)
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
  }
}
