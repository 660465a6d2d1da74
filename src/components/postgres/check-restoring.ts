import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { asFinding } from './as-finding.ts'
import { readerOf } from './capture.ts'
import { withSession } from './connection.ts'
import type { Server } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { queryOne } from './query.ts'
import type { PostgresSettings } from './schema.ts'

/** Whether the role that restores could make a database beside this one and swap it in. */
export async function checkRestoring(
  settings: PostgresSettings,
  facts: DatabaseFacts,
  context: Context,
): Promise<Finding[]> {
  const server = restorerOf(settings)
  try {
    return await withSession(server, settings.maintenanceDatabase, context, (client) =>
      checkRole(client, server.user, facts),
    )
  } catch (error) {
    return [asFinding(`restore user ${server.user}`, error, context)]
  }
}

function restorerOf(settings: PostgresSettings): Server {
  const user = settings.restoreUser ?? settings.user
  return { ...readerOf(settings), user, password: settings.restorePassword ?? settings.password }
}

const rights = z.object({ superuser: z.boolean(), createDatabase: z.boolean(), ownsIt: z.boolean() })

/** A restore must not need more than this: as a superuser, a hostile dump could run programs on the server. */
async function checkRole(client: pg.ClientBase, user: string, { owner, database }: DatabaseFacts): Promise<Finding[]> {
  const found = await queryOne(
    client,
    rights,
    'select rolsuper as superuser, rolcreatedb as "createDatabase", pg_has_role($1, \'member\') as "ownsIt" from pg_roles where rolname = current_user',
    [owner],
  )
  const subject = `restore user ${user}`
  if (found.superuser)
    return [
      {
        level: 'warning',
        subject,
        message: 'is a superuser, which a restore does not need',
        hint: `Set restoreUser to a role with CREATEDB that is a member of ${owner}.`,
      },
    ]
  return [
    found.createDatabase
      ? { level: 'ok', subject, message: 'may create databases' }
      : {
          level: 'error',
          subject,
          message: 'may not create databases',
          hint: `ALTER ROLE … CREATEDB, or set restoreUser.`,
        },
    found.ownsIt
      ? { level: 'ok', subject, message: `is a member of ${owner}` }
      : {
          level: 'error',
          subject,
          message: `is not a member of ${owner}, who owns database ${database}`,
          hint: `GRANT the role ${owner} to it.`,
        },
  ]
}
