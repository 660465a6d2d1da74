import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { settingValue } from '../connection/setting-value.ts'
import { identifier, literal } from '../connection/connection.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { ownPassword } from './own-password.ts'
import { passwordStatement, readRolePasswords, withPasswords, type RolePasswords } from './role-passwords.ts'
import { encodingFindings } from './role-encoding.ts'
import { existingFindings } from './roles-existing.ts'
import { settableSettings } from '../connection/settable-settings.ts'
import type { CapturedRole, PostgresDetails, PostgresSettings } from '../schema.ts'
import { missingRoleNames } from '../restore/staged/side-database.ts'
import { query, queryOne } from '../connection/query.ts'
import { change } from '../restore/target/database-target.ts'
import { inTransaction } from '../restore/target/target-transaction.ts'

/**
 * Creates the captured roles that the server does not have, with their memberships and settings, in one transaction.
 *
 * Roles that exist are never touched: they are shared with other databases. Created ones get no password, unless the app's own
 * environment file has it, or an imported dump had one that somebody asked for, and never SUPERUSER, REPLICATION or BYPASSRLS, since whoever could write a restore point would own the
 * server. A restore role that is no superuser is made a member of the owners that it creates; else it could give them
 * nothing. Not of others: an application's role may be a member of the restore role itself.
 */
export async function ensureRoles(
  admin: pg.Client,
  details: PostgresDetails,
  source: ArtifactSource,
  context: Context,
  settings: Pick<PostgresSettings, 'from'> = {},
): Promise<void> {
  const missing = await missingRoles(admin, details)
  if (missing.length === 0) return
  const { superuser, version, user } = await readRights(admin)
  const passwords = new Map([...(await readRolePasswords(missing, details, source)), ...ownOf(missing, settings)])
  const statements = [
    ...missing.map(createStatement),
    ...(superuser ? [] : ownersAmong(missing, details, user).map((name) => ownMembership(name, version))),
    ...missing.flatMap((role) => membershipStatements(role, version)),
    ...(await settingsOf(admin, missing)),
  ]
  await inTransaction(admin, 'create roles', context, async () => {
    for (const statement of statements) await change(admin, 'CREATE ROLE', statement, context)
    for (const [name, password] of passwords)
      await change(admin, 'ALTER ROLE PASSWORD', passwordStatement(name, password), context)
  })
}

async function settingsOf(admin: pg.Client, roles: readonly CapturedRole[]): Promise<string[]> {
  const statements: string[] = []
  for (const role of roles)
    statements.push(...settingStatements({ ...role, settings: await settableSettings(admin, role.settings) }))
  return statements
}

/** The app goes on logging in with what its environment file has. */
function ownOf(missing: readonly CapturedRole[], settings: Pick<PostgresSettings, 'from'>): RolePasswords {
  const names = new Set(missing.map(({ name }) => name))
  return new Map([...ownPassword(settings)].filter(([name]) => names.has(name)))
}

function ownersAmong(missing: readonly CapturedRole[], details: PostgresDetails, user: string): string[] {
  const owners = details.needs === undefined ? undefined : new Set(details.needs.owners)
  return missing
    .filter(({ name }) => owners?.has(name) !== false)
    .filter(({ memberOf }) => !memberOf.some(({ role }) => role === user))
    .map(({ name }) => name)
}

function ownMembership(name: string, version: number): string {
  return `grant ${identifier(name)} to current_user${version < OPTIONS_SINCE ? '' : ' with inherit true, set true'}`
}

async function missingRoles(admin: pg.Client, details: PostgresDetails): Promise<readonly CapturedRole[]> {
  const names = new Set(
    await missingRoleNames(
      admin,
      details.roles.map(({ name }) => name),
      details.encoding,
    ),
  )
  return details.roles.filter(({ name }) => names.has(name) && !name.startsWith('pg_'))
}

/** What the restore will do about roles, and whether it may. */
export async function roleFindings(
  admin: pg.Client,
  details: PostgresDetails,
  settings: Pick<PostgresSettings, 'from'> = {},
): Promise<Finding[]> {
  const missing = await missingRoles(admin, details)
  const existing = [...(await encodingFindings(admin, missing, details)), ...(await existingFindings(admin, details))]
  if (missing.length === 0)
    return [{ level: 'ok', subject: 'roles', message: `all ${details.roles.length} roles exist` }, ...existing]
  const rights = await readRights(admin)
  const names = missing.map(({ name }) => name).join(', ')
  if (!rights.superuser && !rights.createRole) {
    return [
      {
        level: 'error',
        subject: 'roles',
        message: `missing and may not be created: ${names}`,
        hint: `Create them first, or run as an administrator: alter role ${identifier(rights.user)} createrole;`,
      },
      ...existing,
    ]
  }
  return [
    ...createdFindings(missing, details, settings),
    ...missing.flatMap(strippedFinding),
    ...(await parentFindings(admin, missing, rights)),
    ...existing,
  ]
}

function createdFindings(
  missing: readonly CapturedRole[],
  details: PostgresDetails,
  settings: Pick<PostgresSettings, 'from'>,
): Finding[] {
  const own = [...ownOf(missing, settings).keys()]
  const kept = withPasswords(missing, details)
    .map(({ name }) => name)
    .filter((name) => !own.includes(name))
  const bare = missing.map(({ name }) => name).filter((name) => !kept.includes(name) && !own.includes(name))
  const message = `will be created with the password in ${settings.from?.file ?? ''}: ${own.join(', ')}`
  const withOwn: Finding = { level: 'ok', subject: 'roles', message }
  const without: Finding = {
    level: 'warning',
    subject: 'roles',
    message: `will be created without password: ${bare.join(', ')}`,
    hint: 'Set passwords with ALTER ROLE … PASSWORD after the restore.',
  }
  const withThem: Finding = {
    level: 'warning',
    subject: 'roles',
    message: `will be created with the passwords that the imported dump had: ${kept.join(', ')}`,
    hint: 'Whoever knew them then can log in again. Change them with ALTER ROLE … PASSWORD after the restore.',
  }
  return [
    ...(own.length > 0 ? [withOwn] : []),
    ...(bare.length > 0 ? [without] : []),
    ...(kept.length > 0 ? [withThem] : []),
  ]
}

function strippedFinding({ name, attributes }: CapturedRole): Finding[] {
  const stripped = [
    attributes.superuser && 'SUPERUSER',
    attributes.replication && 'REPLICATION',
    attributes.bypassRowSecurity && 'BYPASSRLS',
  ].filter((one) => one !== false)
  if (stripped.length === 0) return []
  return [
    {
      level: 'warning',
      subject: `role ${name}`,
      message: `had ${stripped.join(', ')}, which a restore never gives`,
      hint: 'Give it by hand if the application needs it.',
    },
  ]
}

const parent = z.object({ name: z.string(), superuser: z.boolean(), admin: z.boolean() })
const PARENTS = `select rolname::text as name, rolsuper as superuser, pg_has_role(oid, 'member with admin option') as admin from pg_roles where rolname = any ($1) order by 1`

/** Roles that exist and that created ones become members of: who may create roles may not for that give everything away. */
async function parentFindings(
  admin: pg.Client,
  missing: readonly CapturedRole[],
  { user, superuser, version }: Rights,
): Promise<Finding[]> {
  if (superuser) return []
  const names = new Set(missing.flatMap(({ memberOf }) => memberOf.map(({ role }) => role)))
  const rows = await query(admin, parent, PARENTS, [[...names].filter((name) => name !== user)])
  return rows
    .filter((row) => row.superuser || (version >= OPTIONS_SINCE && !row.admin))
    .map((row) => ({
      level: 'error',
      subject: `role ${user}`,
      message: `may not make anybody a member of ${row.name}, as ${membersOf(row.name, missing)} was`,
      hint: row.superuser
        ? `Create ${membersOf(row.name, missing)} by hand before: only a superuser may make members of a superuser.`
        : `Run as an administrator: grant ${identifier(row.name)} to ${identifier(user)} with admin option;`,
    }))
}

function membersOf(name: string, roles: readonly CapturedRole[]): string {
  return roles
    .filter(({ memberOf }) => memberOf.some(({ role }) => role === name))
    .map((role) => role.name)
    .join(', ')
}

export interface Rights {
  readonly user: string
  readonly superuser: boolean
  readonly createRole: boolean
  readonly createDatabase: boolean
  /** Of the server. */
  readonly version: number
}

const rights = z.object({
  user: z.string(),
  superuser: z.boolean(),
  createRole: z.boolean(),
  createDatabase: z.boolean(),
  version: z.number(),
})

export function readRights(admin: pg.Client): Promise<Rights> {
  const sql = `select rolname::text as "user", rolsuper as superuser, rolcreaterole as "createRole", rolcreatedb as "createDatabase",
    current_setting('server_version_num')::int as version from pg_roles where rolname = current_user`
  return queryOne(admin, rights, sql)
}

export function createStatement({ name, attributes }: CapturedRole): string {
  const flag = (on: boolean, word: string): string => (on ? word : `NO${word}`)
  const words = [
    flag(attributes.login, 'LOGIN'),
    flag(attributes.inherit, 'INHERIT'),
    flag(attributes.createDatabase, 'CREATEDB'),
    flag(attributes.createRole, 'CREATEROLE'),
    `CONNECTION LIMIT ${Math.trunc(attributes.connectionLimit)}`,
    ...(attributes.validUntil === null ? [] : [`VALID UNTIL ${literal(attributes.validUntil)}`]),
  ]
  // NOSUPERUSER, NOREPLICATION and NOBYPASSRLS are the defaults; only a superuser may even say them.
  return `create role ${identifier(name)} ${words.join(' ')}`
}

/** The server version from which a membership has an INHERIT and a SET option. */
const OPTIONS_SINCE = 160_000

export function membershipStatements({ name, memberOf }: CapturedRole, serverVersion: number): string[] {
  return memberOf.map((membership) => {
    const options =
      serverVersion < OPTIONS_SINCE ? (membership.adminOption ? ['admin option'] : []) : optionsOf(membership)
    return `grant ${identifier(membership.role)} to ${identifier(name)}${options.length === 0 ? '' : ` with ${options.join(', ')}`}`
  })
}

function optionsOf({ adminOption, inheritOption, setOption }: CapturedRole['memberOf'][number]): string[] {
  const option = (word: string, value: boolean | undefined): string[] =>
    value === undefined ? [] : [`${word} ${value}`]
  return [...option('admin', adminOption), ...option('inherit', inheritOption), ...option('set', setOption)]
}

function settingStatements({ name, settings }: CapturedRole): string[] {
  const everywhere = settings.filter(({ inDatabase }) => !inDatabase)
  return everywhere.map(
    (one) => `alter role ${identifier(name)} set ${identifier(one.name)} to ${settingValue(one.name, one.value)}`,
  )
}
