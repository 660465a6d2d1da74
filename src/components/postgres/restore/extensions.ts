import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { identifier } from '../connection/connection.ts'
import { query, queryOne } from '../connection/query.ts'
import type { RestoreNeeds } from '../schema.ts'
import { change } from './target/database-target.ts'

const names = z.array(z.string())
const row = z.object({ superuser: z.boolean(), owner: z.string(), trusted: names, harmless: names })
const DEFAULT_VERSIONS = `from pg_available_extension_versions v join pg_available_extensions a on a.name = v.name and a.default_version = v.version`
/** Who is asking, who owns the database, and what others than superusers may make here: by trust, or because it does nothing special. */
const HERE = `select current_setting('is_superuser') = 'on' as superuser, pg_get_userbyid(datdba)::text as owner,
    array(select v.name::text ${DEFAULT_VERSIONS} where v.trusted) as trusted, array(select v.name::text ${DEFAULT_VERSIONS} where not v.superuser) as harmless
  from pg_database where datname = current_database()`

/**
 * Makes the extensions of which the maker can be chosen, as their owners were. One that a superuser had belongs to whoever
 * owns the database, unless a superuser restores: to the role that restores it is of no use. The others are left to pg_restore.
 */
export async function makeExtensions(
  session: pg.Client,
  extensions: RestoreNeeds['extensions'],
  context: Context,
): Promise<void> {
  const here = await queryOne(session, row, HERE)
  for (const { name, schema, owner } of extensions) {
    const maker = owner ?? (here.superuser || !here.trusted.includes(name) ? undefined : here.owner)
    if (maker === undefined || ![...here.trusted, ...here.harmless].includes(name)) continue
    await asMaker(session, maker, context, () =>
      change(
        session,
        'CREATE EXTENSION',
        `create extension if not exists ${identifier(name)} with schema ${identifier(schema)}`,
        context,
      ),
    )
  }
}

/** The grants on the database itself come after everything in it, so the right to create is lent. */
async function asMaker(session: pg.Client, maker: string, context: Context, act: () => Promise<void>): Promise<void> {
  const { database, may } = await queryOne(session, z.object({ database: z.string(), may: z.boolean() }), MAY, [maker])
  const on = `create on database ${identifier(database)}`
  if (!may) await change(session, 'GRANT CREATE ON DATABASE', `grant ${on} to ${identifier(maker)}`, context)
  await query(session, z.unknown(), `set role ${identifier(maker)}`)
  await act()
  await query(session, z.unknown(), 'reset role')
  if (!may) await change(session, 'REVOKE CREATE ON DATABASE', `revoke ${on} from ${identifier(maker)}`, context)
}

const MAY = `select current_database()::text as database, has_database_privilege($1, current_database(), 'create') as may`
