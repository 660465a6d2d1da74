import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { isFailure } from '../../../core/failure.ts'
import { withSession } from '../connection/connection.ts'
import type { LoadTarget } from './load/load.ts'
import { queryOne } from '../connection/query.ts'
import type { PostgresDetails } from '../schema.ts'
import { change } from './target/database-target.ts'
import { majorOf } from '../versions.ts'

type Captured = Pick<PostgresDetails, 'publicSchema' | 'fingerprint'>

/** The pg_dump that says of schema `public` what it says of others, and the server that opens it to nobody by itself. */
const PUBLIC_SINCE = 15

/**
 * What a new database has of template0 and the captured one had no more, or had made anew: no dump removes it. Where the role
 * may not remove it, it stays.
 */
export async function removeLeftovers(
  { server, database }: LoadTarget,
  captured: Captured,
  context: Context,
): Promise<void> {
  await withSession(server, database, context, async (session) => {
    for (const [name, statement] of leftovers(captured, majorOf(await versionOf(session))))
      await tryTo(session, name, statement, context)
  })
}

type Statement = readonly [name: string, sql: string]

function leftovers(captured: Captured, major: number): readonly Statement[] {
  const { objects, extensions } = captured.fingerprint
  const isAnew = objects.some(({ name }) => name === 'EXTENSION plpgsql')
  const stays = extensions.some(({ name }) => name === 'plpgsql') && !isAnew
  return [
    ...(stays ? [] : [['DROP EXTENSION plpgsql', 'drop extension if exists plpgsql'] as const]),
    ...publicLeftovers(captured, major),
  ]
}

/**
 * An older pg_dump says nothing of the schema but grants, and those by what they were at its birth: who may create there by
 * the grant of an old template0 would be let in anew.
 */
function publicLeftovers({ publicSchema, fingerprint }: Captured, major: number): readonly Statement[] {
  const { objects, definitionsBy } = fingerprint
  const drop = ['DROP SCHEMA public', 'drop schema if exists public'] as const
  if (publicSchema === 'absent') return [drop]
  if (definitionsBy >= PUBLIC_SINCE)
    return objects.some(({ name }) => name === 'COMMENT SCHEMA "public"')
      ? []
      : [['COMMENT ON SCHEMA public', 'comment on schema public is null']]
  return publicSchema === 'made anew' && major < PUBLIC_SINCE
    ? [drop, ['CREATE SCHEMA public', 'create schema if not exists public']]
    : []
}

async function versionOf(session: pg.Client): Promise<number> {
  const sql = `select current_setting('server_version_num')::int as version`
  return (await queryOne(session, z.object({ version: z.number() }), sql)).version
}

async function tryTo(session: pg.Client, name: string, statement: string, context: Context): Promise<void> {
  try {
    await change(session, name, statement, context)
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
  }
}
