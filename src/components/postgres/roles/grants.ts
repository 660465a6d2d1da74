import type pg from 'pg'
import { z } from 'zod'
import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { GrantPurpose } from '../../capabilities/rights.ts'
import { placeOf } from '../place-of.ts'
import { readerOf } from '../capture/capture.ts'
import { readProperties } from '../restore/staged/carry-over.ts'
import { identifier, withSession } from '../connection/connection.ts'
import { readDatabaseFacts } from '../capture/database-facts.ts'
import { backupRights } from './grants-backup.ts'
import { restoreRights } from './grants-restore.ts'
import type { RestoreRights, RestoreSubject } from './grants-restore.ts'
import { query } from '../connection/query.ts'
import { readRestoreNeeds } from './roles-needs.ts'
import type { PostgresSettings } from '../schema.ts'
import { restoreServer } from '../restore/target/database-target.ts'
import { readWorld } from '../restore/target/restore-databases.ts'
import { restoreNames } from '../names.ts'
import { providersOf } from './security-labels.ts'

/**
 * The SQL that gives the role of the settings exactly what a backup or a restore of this database takes. It depends on
 * what is in the database, so one of the two roles must be able to log in there; before, it gives what makes that so.
 */
export async function grants(settings: PostgresSettings, purpose: GrantPurpose, context: Context): Promise<string> {
  const servers = [restoreServer(settings), readerOf(settings)]
  if (purpose === 'backup') servers.reverse()
  for (const server of servers) {
    try {
      return await withSession(server, settings.database, context, (client) => textOf(client, settings, purpose))
    } catch (error) {
      if (!isFailure(error, 'denied')) throw error
      context.progress({ type: 'note', message: error.message })
    }
  }
  return firstSteps(settings, purpose)
}

function userOf(settings: PostgresSettings, purpose: GrantPurpose): string {
  return purpose === 'backup' ? settings.user : restoreServer(settings).user
}

async function textOf(client: pg.Client, settings: PostgresSettings, purpose: GrantPurpose): Promise<string> {
  const user = userOf(settings, purpose)
  const roles = await query(client, z.object({ superuser: z.boolean() }), ROLE, [user])
  const head = heading(settings, purpose)
  if (roles[0]?.superuser === true)
    return `${head}-- It is a superuser and needs nothing. A role of its own would be safer.\n`
  const { rights, obstacles } =
    purpose === 'backup'
      ? { rights: await backupRights(client, user, settings.database), obstacles: [] }
      : await rightsOnLive(client, settings, user)
  const create = roles.length > 0 ? [] : [`create role ${identifier(user)} login; -- then set its password`]
  return [
    head.trimEnd(),
    ...create,
    ...rights.map(({ statement, held }) => (held ? `${statement} -- has it` : statement)),
    ...obstacles.map(
      ({ what, instead, unsure }) =>
        `-- ${unsure === true ? 'Perhaps only' : 'Only'} a superuser can restore ${inComment(what)}: ${inComment(instead)}.`,
    ),
    '',
  ].join('\n')
}

/** A name may hold a line break, behind which the rest of a comment would be run. */
function inComment(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ')
}

const ROLE = 'select rolsuper as superuser from pg_roles where rolname = $1'

/** What a restore over the database as it is now takes. */
async function rightsOnLive(client: pg.Client, settings: PostgresSettings, user: string): Promise<RestoreRights> {
  return restoreRights(client, await subjectOf(client, settings, user))
}

/** The live database of this session as the subject of a restore. */
export async function subjectOf(
  client: pg.Client,
  { database, maintenanceDatabase }: PostgresSettings,
  user: string,
): Promise<RestoreSubject> {
  const { serverVersion, owner, ...facts } = await readDatabaseFacts(client)
  const { settings, roleSettings } = await readProperties(client, database)
  // No restore has this id; only the live database is looked at.
  const { live } = await readWorld(client, restoreNames(database, '00000000'))
  return {
    user,
    maintenanceDatabase,
    owner,
    needs: await readRestoreNeeds(client, serverVersion),
    labelProviders: providersOf(facts),
    tablespace: live?.tablespace,
    settings: [...settings.map(({ name }) => ({ role: null, name })), ...roleSettings],
  }
}

function heading(settings: PostgresSettings, purpose: GrantPurpose): string {
  const { database } = settings
  const what = purpose === 'backup' ? 'backs up' : 'restores, drills beside and undoes'
  return `-- What role ${inComment(identifier(userOf(settings, purpose)))} needs, which ${what} database ${inComment(identifier(database))} on ${inComment(placeOf(settings))}.
-- Run it there as an administrator who may grant this. It can be run again.
`
}

/** What is needed whatever the database holds. */
function firstSteps(settings: PostgresSettings, purpose: GrantPurpose): string {
  const role = identifier(userOf(settings, purpose))
  const rest =
    purpose === 'backup'
      ? [`grant pg_read_all_data to ${role};`]
      : [`alter role ${role} createdb;`, `grant pg_signal_backend to ${role};`]
  return `${heading(settings, purpose)}-- Nobody could log in to look at the database. Run this, set the password, and run holdfast grants again for the rest.
create role ${role} login; -- unless it exists; then set its password
grant connect on database ${identifier(settings.database)} to ${role};
${rest.join('\n')}
`
}
