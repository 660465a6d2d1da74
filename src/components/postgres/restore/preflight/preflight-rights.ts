import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../../core/restore-point.ts'
import { readProperties } from '../staged/carry-over.ts'
import { listed } from '../../check/check-catalog.ts'
import { APPLICATION_NAME } from '../../connection/connection.ts'
import { restoreRights } from '../../roles/grants-restore.ts'
import type { Obstacle, RestoreSubject, Right } from '../../roles/grants-restore.ts'
import { query, queryOne } from '../../connection/query.ts'
import { missingRoleNames } from '../staged/side-database.ts'
import { needsOf } from '../../roles/roles-needs.ts'
import { readRights } from '../../roles/roles-restore.ts'
import type { PostgresDetails, RestoreNeeds } from '../../schema.ts'
import { providersOf } from '../../roles/security-labels.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'

/** Whether the role of this session may do all that a restore takes, each lack with the statement that ends it. */
export async function rightFindings(
  admin: pg.Client,
  details: PostgresDetails,
  live: DatabaseRow | undefined,
  maintenanceDatabase: string,
): Promise<Finding[]> {
  const { user, superuser } = await readRights(admin)
  const owner = live?.owner ?? details.owner
  const absent = await absentTablespaces(admin, needsOf(details))
  if (superuser) return [superuserFinding(user, owner), ...absent]
  const settings = live === undefined ? await capturedSettings(admin, details) : await liveSettings(admin, live.name)
  const findings = await findingsOf(
    admin,
    {
      user,
      maintenanceDatabase,
      owner,
      needs: { ...needsOf(details), extensions: extensionsOf(details) },
      labelProviders: providersOf(details),
      tablespace: live?.tablespace,
      settings,
    },
    live?.name,
  )
  const all = [...findings, ...absent]
  if (all.some(({ level }) => level === 'error')) return all
  return [...all, { level: 'ok', subject: `role ${user}`, message: `may create databases for ${owner}` }]
}

/** Older points have extensions in their fingerprint alone. */
function extensionsOf(details: PostgresDetails): RestoreNeeds['extensions'] {
  const { extensions } = needsOf(details)
  const others = details.fingerprint.extensions.filter(({ name }) => !extensions.some((one) => one.name === name))
  return [...extensions, ...others.map(({ name }) => ({ name, schema: '', owner: null }))]
}

/** What a role lacks for a restore of this subject. `live` is the database whose sessions would have to end. */
export async function findingsOf(
  admin: pg.ClientBase,
  subject: RestoreSubject,
  live: string | undefined,
): Promise<Finding[]> {
  const { rights, obstacles } = await restoreRights(admin, subject)
  const lacking = rights.filter(({ held, forSessions }) => !held && forSessions !== true)
  const managed = obstacles.length > 0 && (await isProviders(admin, subject.user))
  return [
    ...lacking.map((one) => lackFinding(subject.user, one)),
    ...obstacleFindings(subject.user, obstacles, managed),
    ...(live === undefined ? [] : await sessionFindings(admin, subject.user, live)),
  ]
}

function superuserFinding(user: string, owner: string): Finding {
  return {
    level: 'warning',
    subject: `role ${user}`,
    message: 'is a superuser: what is in the restore point may run with all rights',
    hint: `Give Holdfast a role of its own with CREATEDB and membership in ${owner} (restoreUser); holdfast grants restore prints its rights.`,
  }
}

function lackFinding(user: string, { statement, without }: Right): Finding {
  return { level: 'error', subject: `role ${user}`, message: without, hint: `Run as an administrator: ${statement}` }
}

function obstacleFindings(user: string, obstacles: readonly Obstacle[], managed: boolean): Finding[] {
  return obstacles.map(({ what, instead, unsure }) => ({
    level: managed || unsure === true ? 'warning' : 'error',
    subject: `role ${user}`,
    message: obstacleMessage(what, managed, unsure === true),
    hint: `${instead.charAt(0).toUpperCase()}${instead.slice(1)}.`,
  }))
}

function obstacleMessage(what: string, managed: boolean, unsure: boolean): string {
  if (unsure) return `may not be able to restore ${what}`
  return managed
    ? `may not be able to restore ${what}: elsewhere that takes a superuser`
    : `cannot restore ${what}: that takes a superuser`
}

/** Roles with which providers let their customers do some of what is a superuser's. */
const PROVIDERS = ['rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser']

async function isProviders(admin: pg.ClientBase, user: string): Promise<boolean> {
  const sql = `select exists (select from pg_roles p, pg_roles u where p.rolname = any ($1) and u.rolname = $2 and pg_has_role(u.oid, p.oid, 'member')) as found`
  return (await queryOne(admin, z.object({ found: z.boolean() }), sql, [PROVIDERS, user])).found
}

/** Who is connected now and could not be sent away. Sessions of Holdfast itself are over by then. */
const SESSIONS = `select distinct coalesce(s.usename::text, '') as name, r.rolsuper as superuser from pg_stat_activity s join pg_roles r on r.oid = s.usesysid
  join pg_roles u on u.rolname = $2 where s.datname = $1 and s.application_name <> '${APPLICATION_NAME}' and s.usesysid <> u.oid and not u.rolsuper
    and (r.rolsuper or not (pg_has_role(u.oid, r.oid, 'usage') or pg_has_role(u.oid, 'pg_signal_backend', 'usage'))) order by 1`

async function sessionFindings(admin: pg.ClientBase, user: string, live: string): Promise<Finding[]> {
  const rows = await query(admin, z.object({ name: z.string(), superuser: z.boolean() }), SESSIONS, [live, user])
  if (rows.length === 0) return []
  const hint = rows.some(({ superuser }) => superuser)
    ? 'Close the sessions of superusers first; nobody but a superuser can end them.'
    : `Run as an administrator: grant pg_signal_backend to "${user.replaceAll('"', '""')}";`
  const message = `may not end sessions that are on database ${live} now, of ${listed(rows.map(({ name }) => name))}`
  return [{ level: 'warning', subject: `role ${user}`, message, hint }]
}

async function absentTablespaces(admin: pg.Client, { tablespaces }: RestoreNeeds): Promise<Finding[]> {
  const sql = `select n::text as name from unnest($1::text[]) n where not exists (select from pg_tablespace where spcname = n) order by 1`
  const rows = await query(admin, z.object({ name: z.string() }), sql, [tablespaces])
  return rows.map(({ name }) => ({
    level: 'error',
    subject: `tablespace ${name}`,
    message: 'is not on the server, and objects of the restore point are in it',
    hint: `Run as a superuser: create tablespace "${name.replaceAll('"', '""')}" location '/an/empty/folder';`,
  }))
}

async function liveSettings(admin: pg.Client, database: string): Promise<RestoreSubject['settings']> {
  const { settings, roleSettings } = await readProperties(admin, database)
  return [...settings.map(({ name }) => ({ role: null, name })), ...roleSettings]
}

/** What a role has that this restore creates can be set by whoever created it; the parameter may still be a superuser's. */
async function capturedSettings(
  admin: pg.Client,
  { settings, roles, encoding }: PostgresDetails,
): Promise<RestoreSubject['settings']> {
  const missing = new Set(
    await missingRoleNames(
      admin,
      roles.map(({ name }) => name),
      encoding,
    ),
  )
  return [
    ...settings.map(({ name }) => ({ role: null, name })),
    ...roles.flatMap(({ name: role, settings: own }) =>
      own
        .filter(({ inDatabase }) => inDatabase || missing.has(role))
        .map(({ name }) => ({ role: missing.has(role) ? null : role, name })),
    ),
  ]
}
