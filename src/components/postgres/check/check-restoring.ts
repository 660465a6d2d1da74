import type pg from 'pg'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { asFinding } from '../as-finding.ts'
import { withSession } from '../connection/connection.ts'
import { subjectOf } from '../roles/grants.ts'
import { findingsOf } from '../restore/preflight/preflight-rights.ts'
import { readRights } from '../roles/roles-restore.ts'
import type { PostgresSettings } from '../schema.ts'
import { restoreServer } from '../restore/target/database-target.ts'

/** Whether the role that restores could make a database beside this one and swap it in. */
export async function checkRestoring(
  settings: PostgresSettings,
  reading: pg.Client,
  context: Context,
): Promise<Finding[]> {
  const server = restoreServer(settings)
  try {
    return await withSession(server, settings.maintenanceDatabase, context, (client) =>
      checkRole(client, settings, reading),
    )
  } catch (error) {
    return [asFinding(`restore user ${server.user}`, error, context)]
  }
}

/** A restore must not need more than this: as a superuser, a hostile dump could run programs on the server. */
async function checkRole(client: pg.Client, settings: PostgresSettings, reading: pg.Client): Promise<Finding[]> {
  const { user, superuser } = await readRights(client)
  const name = `restore user ${user}`
  const subject = await subjectOf(reading, settings, user)
  if (superuser)
    return [
      {
        level: 'warning',
        subject: name,
        message: 'is a superuser, which a restore does not need',
        hint: `Set restoreUser to a role with CREATEDB that is a member of ${subject.owner}; holdfast grants restore prints its rights.`,
      },
    ]
  const findings = await findingsOf(client, subject, settings.database)
  if (findings.some(({ level }) => level === 'error')) return findings.map((one) => ({ ...one, subject: name }))
  const message = `may create databases and act as ${subject.owner}`
  return [{ level: 'ok', subject: name, message }, ...findings.map((one) => ({ ...one, subject: name }))]
}
