import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { identifier } from '../../connection/connection.ts'
import { plainComment } from './marker.ts'
import type { PostgresDetails } from '../../schema.ts'
import { query, queryOne } from '../../connection/query.ts'
import { labelRefused, labelStatements, readLabels, settableLabels } from '../../roles/security-labels.ts'
import type { SecurityLabel } from '../../roles/security-labels.ts'
import { settingValue } from '../../connection/setting-value.ts'
import { settableSettings } from '../../connection/settable-settings.ts'
import { change, sqlState } from '../target/database-target.ts'

/**
 * What hangs on a database itself and not on anything inside it, so that no dump holds it and a swap would lose it.
 */
export interface DatabaseProperties {
  readonly owner: string
  readonly connectionLimit: number
  readonly comment: string | null
  /** With the built-in default spelled out. */
  readonly grants: readonly Grant[]
  readonly settings: readonly { readonly name: string; readonly value: string }[]
  readonly roleSettings: readonly { readonly role: string; readonly name: string; readonly value: string }[]
  readonly securityLabels: readonly SecurityLabel[]
}

export interface Grant {
  /** Null is PUBLIC. */
  readonly grantee: string | null
  readonly privilege: string
  readonly grantable: boolean
}

const grant = z.object({ grantee: z.string().nullable(), privilege: z.string(), grantable: z.boolean() })
const head = z.object({ owner: z.string(), connectionLimit: z.number(), comment: z.string().nullable() })
const setting = z.object({ role: z.string().nullable(), name: z.string(), value: z.string() })

const GRANT_COLUMNS = `case when a.grantee = 0 then null else pg_get_userbyid(a.grantee)::text end as grantee, a.privilege_type as privilege, bool_or(a.is_grantable) as grantable`
const SETTINGS = `select case when s.setrole = 0 then null else pg_get_userbyid(s.setrole)::text end as role,
    split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value
  from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) with ordinality u(c, n)
  where d.datname = $1 order by 1 nulls first, n`

export async function readProperties(admin: pg.Client, database: string): Promise<DatabaseProperties> {
  const values = [database]
  const row = await queryOne(
    admin,
    head,
    `select pg_get_userbyid(datdba)::text as owner, datconnlimit as "connectionLimit", shobj_description(oid, 'pg_database') as comment
      from pg_database where datname = $1`,
    values,
  )
  const all = await query(admin, setting, SETTINGS, values)
  return {
    ...row,
    comment: plainComment(row.comment),
    grants: await readGrants(admin, database),
    settings: all.flatMap(({ role, name, value }) => (role === null ? [{ name, value }] : [])),
    roleSettings: all.flatMap(({ role, name, value }) => (role === null ? [] : [{ role, name, value }])),
    securityLabels: await readLabels(admin, database),
  }
}

function readGrants(admin: pg.Client, database: string): Promise<Grant[]> {
  const sql = `select ${GRANT_COLUMNS} from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where d.datname = $1 group by 1, 2 order by 1 nulls first, 2`
  return query(admin, grant, sql, [database])
}

/**
 * The properties that were captured, for a server on which the live database is lost. Its roles must exist. Not to be called
 * inside a transaction: looking for a label provider may end it.
 */
export async function capturedProperties(admin: pg.Client, details: PostgresDetails): Promise<DatabaseProperties> {
  const sql = `select ${GRANT_COLUMNS} from aclexplode(coalesce($1::text[]::aclitem[], acldefault('d', (select oid from pg_roles where rolname = $2)))) a group by 1, 2 order by 1 nulls first, 2`
  const inDatabase = details.roles.flatMap(({ name: role, settings }) =>
    settings.filter((one) => one.inDatabase).map(({ name, value }) => ({ role, name, value })),
  )
  return {
    owner: details.owner,
    connectionLimit: details.connectionLimit,
    comment: plainComment(details.comment),
    grants: await query(admin, grant, sql, [details.acl, details.owner]),
    settings: await settableSettings(admin, details.settings),
    roleSettings: await settableSettings(admin, inDatabase),
    securityLabels: await settableLabels(admin, details.securityLabels),
  }
}

/**
 * Gives a database these properties, but for the comment. Repeating it changes nothing; inside a transaction it is
 * undone by a rollback. Fails with `denied` when the role may not set one of them.
 */
export async function applyProperties(
  admin: pg.Client,
  database: string,
  wanted: DatabaseProperties,
  context: Context,
): Promise<void> {
  const target = `alter database ${identifier(database)}`
  const apply = (name: string, sql: string): Promise<void> => carry(() => change(admin, name, sql, context), database)
  await apply('ALTER DATABASE OWNER', `${target} owner to ${identifier(wanted.owner)}`)
  await apply('ALTER DATABASE CONNECTION LIMIT', `${target} connection limit ${wanted.connectionLimit}`)
  for (const sql of grantStatements(database, await readGrants(admin, database), wanted.grants))
    await apply('GRANT ON DATABASE', sql)
  const now = await readProperties(admin, database)
  for (const sql of settingStatements(database, now, wanted)) await apply('ALTER DATABASE SET', sql)
  await applyLabels(admin, database, wanted, context)
}

/** Alone, before a long load: who may not set one is told at once. */
export async function applyLabels(
  admin: pg.Client,
  database: string,
  { securityLabels }: DatabaseProperties,
  context: Context,
): Promise<void> {
  for (const sql of labelStatements(database, await readLabels(admin, database), securityLabels))
    await carry(() => change(admin, 'SECURITY LABEL ON DATABASE', sql, context), database)
}

async function carry(act: () => Promise<void>, database: string): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.message.includes('SECURITY LABEL')) throw labelRefused(database, error)
    if (sqlState(error) !== '42501') throw error
    throw new Failure('denied', `a property of the live database cannot be given to ${database}: ${error.message}`, {
      cause: error.cause,
      hint: 'Restore with a role that may set it (restoreUser), or reset the property on the live database first.',
    })
  }
}

/** The statements that turn the grants `now` into those wanted; none when they are the same. */
export function grantStatements(database: string, now: readonly Grant[], wanted: readonly Grant[]): string[] {
  if (sameGrants(now, wanted)) return []
  const on = `on database ${identifier(database)}`
  const grantees = new Set(now.map(({ grantee }) => grantee))
  return [
    ...[...grantees].map((grantee) => `revoke all ${on} from ${granteeName(grantee)} cascade`),
    ...wanted.map(
      ({ grantee, privilege, grantable }) =>
        `grant ${privilege} ${on} to ${granteeName(grantee)}${grantable ? ' with grant option' : ''}`,
    ),
  ]
}

function sameGrants(one: readonly Grant[], other: readonly Grant[]): boolean {
  const key = (grants: readonly Grant[]): string =>
    JSON.stringify(
      grants
        .map((each) => [each.grantee, each.privilege, each.grantable])
        .map(String)
        .sort(),
    )
  return key(one) === key(other)
}

function granteeName(grantee: string | null): string {
  return grantee === null ? 'public' : identifier(grantee)
}

/** Only what differs is changed: a role that may not touch a setting can still restore when nobody changed it. */
export function settingStatements(database: string, now: AllSettings, wanted: AllSettings): string[] {
  const have = assignments(database, now)
  const want = assignments(database, wanted)
  const resets = [...have].filter(([key]) => !want.has(key)).map(([, { scope, name }]) => `${scope} reset ${name}`)
  const changed = [...want].filter(([key, { value }]) => have.get(key)?.value !== value)
  return [...resets, ...changed.map(([, { scope, name, value }]) => `${scope} set ${name} to ${value}`)]
}

type AllSettings = Pick<DatabaseProperties, 'settings' | 'roleSettings'>

/** One setting as SQL. */
interface Assignment {
  /** `alter database …` or `alter role … in database …`. */
  readonly scope: string
  readonly name: string
  readonly value: string
}

function assignments(database: string, { settings, roleSettings }: AllSettings): Map<string, Assignment> {
  const scoped = [
    ...settings.map((one) => ({ ...one, scope: `alter database ${identifier(database)}` })),
    ...roleSettings.map((one) => ({
      ...one,
      scope: `alter role ${identifier(one.role)} in database ${identifier(database)}`,
    })),
  ]
  return new Map(
    scoped.map(({ scope, name, value }) => [
      `${scope} ${name}`,
      { scope, name: identifier(name), value: settingValue(name, value) },
    ]),
  )
}
