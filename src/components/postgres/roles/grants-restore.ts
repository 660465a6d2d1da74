import type pg from 'pg'
import { z } from 'zod'
import { identifier } from '../connection/connection.ts'
import { query } from '../connection/query.ts'
import type { RestoreNeeds } from '../schema.ts'
import { untrustedExtensions } from '../check/superuser-only.ts'

/** A right that a restore takes, as the statement that gives it. */
export interface Right {
  readonly statement: string
  /** What the role cannot do without it; completes `role x …`. */
  readonly without: string
  readonly held: boolean
  /** Only needed while such sessions are there, which a preflight looks at by itself. */
  readonly forSessions?: true
}

/** Something that no statement but SUPERUSER makes possible. */
export interface Obstacle {
  readonly what: string
  readonly instead: string
  /** It depends on what nobody can be asked about. */
  readonly unsure?: true
}

export interface RestoreRights {
  readonly rights: readonly Right[]
  readonly obstacles: readonly Obstacle[]
}

/** What is to be restored, as far as rights depend on it. */
export interface RestoreSubject {
  readonly user: string
  readonly maintenanceDatabase: string
  /** Who owns the database. */
  readonly owner: string
  readonly needs: RestoreNeeds
  /** Providers of security labels, of the database and of what is inside. */
  readonly labelProviders: readonly string[]
  /** The tablespace of the live database. */
  readonly tablespace: string | undefined
  /** Settings of the database and of roles in it, and those of roles that will be created. */
  readonly settings: readonly { readonly role: string | null; readonly name: string }[]
}

const subjectRow = z.object({
  version: z.number(),
  superuser: z.boolean(),
  createDatabase: z.boolean(),
  createRole: z.boolean(),
  bypass: z.boolean(),
  connect: z.boolean(),
  signal: z.boolean(),
})
const SUBJECT = `select current_setting('server_version_num')::int as version, rolsuper as superuser, rolcreatedb as "createDatabase", rolcreaterole as "createRole",
    rolbypassrls as bypass, coalesce((select has_database_privilege(r.oid, d.oid, 'connect') from pg_database d where d.datname = $2), false) as connect,
    pg_has_role(r.oid, 'pg_signal_backend', 'usage') as signal from pg_roles r where rolname = $1`
const NOBODY = {
  superuser: false,
  createDatabase: false,
  createRole: false,
  bypass: false,
  connect: true,
  signal: false,
}

/**
 * Every right that a restore by swap, a drill beside and an undo take of a role that is no superuser, whether it has it
 * or not. A role that does not exist yet has none.
 */
export async function restoreRights(client: pg.ClientBase, subject: RestoreSubject): Promise<RestoreRights> {
  const { user, maintenanceDatabase } = subject
  const [found] = await query(client, subjectRow, SUBJECT, [user, maintenanceDatabase])
  if (found?.superuser === true) return { rights: [], obstacles: [] }
  const version = found?.version ?? (await readVersion(client))
  const row = { ...NOBODY, ...found, version }
  const asked: Asked = { client, subject, version, createRole: row.createRole }
  const roles = await roleRights(asked)
  const parameters = await parameterRights(asked)
  return {
    rights: [
      right(`alter role ${identifier(user)} createdb`, 'may not create databases', row.createDatabase),
      right(
        `grant connect on database ${identifier(maintenanceDatabase)} to ${identifier(user)}`,
        `may not connect to ${maintenanceDatabase}`,
        row.connect,
      ),
      ...roles.rights,
      {
        ...right(
          `grant pg_signal_backend to ${identifier(user)}`,
          'may not end sessions of roles that it is no member of',
          row.signal,
        ),
        forSessions: true,
      },
      ...(await tablespaceRights(asked)),
      ...parameters.rights,
      ...bypassRights(subject, row.bypass),
    ],
    obstacles: [
      ...roles.obstacles,
      ...parameters.obstacles,
      ...(await specialObjects(client, subject.needs)).map(special),
      ...subject.labelProviders.map(labelled),
    ],
  }
}

interface Asked {
  readonly client: pg.ClientBase
  readonly subject: RestoreSubject
  readonly version: number
  readonly createRole: boolean
}

function right(statement: string, without: string, held: boolean): Right {
  return { statement: `${statement};`, without, held }
}

function special(what: string): Obstacle {
  return { what, instead: 'restore it with a superuser, or drop it before the backup' }
}

async function specialObjects(client: pg.ClientBase, needs: RestoreNeeds): Promise<string[]> {
  const extensions = await untrustedExtensions(
    client,
    needs.extensions.map(({ name }) => name),
  )
  return [...extensions, ...needs.superuserOnly]
}

function labelled(provider: string): Obstacle {
  const instead = 'a drill with --staged tells; what the provider refuses takes a superuser'
  return { what: `security labels of ${provider}, who alone knows who may give them`, instead, unsure: true }
}

async function readVersion(client: pg.ClientBase): Promise<number> {
  const sql = `select current_setting('server_version_num')::int as version`
  const [row] = await query(client, z.object({ version: z.number() }), sql)
  return row?.version ?? 0
}

const roleRow = z.object({
  name: z.string(),
  superuser: z.boolean(),
  member: z.boolean(),
  acts: z.boolean(),
  admin: z.boolean(),
})
/** Since PostgreSQL 16 a membership says apart whether it inherits and whether it may be switched to. */
const rolesSql = (version: number): string => `
  select r.rolname::text as name, r.rolsuper as superuser, exists (select from pg_auth_members m join pg_roles u on u.oid = m.member where m.roleid = r.oid and u.rolname = $1) as member,
    coalesce((select pg_has_role(u.oid, r.oid, 'usage') and pg_has_role(u.oid, r.oid, '${version >= 160_000 ? 'set' : 'member'}') from pg_roles u where u.rolname = $1), false) as acts,
    coalesce((select pg_has_role(u.oid, r.oid, 'member with admin option') from pg_roles u where u.rolname = $1), false) as admin
  from pg_roles r where r.rolname = any ($2) and r.rolname <> $1 order by 1`

/** Membership in who owns something, and the right to set what roles have set in the database. */
async function roleRights({ client, subject, version, createRole }: Asked): Promise<RestoreRights> {
  const { user, owner, needs } = subject
  const owners = new Set([owner, ...needs.owners])
  const configured = new Set(subject.settings.flatMap(({ role }) => (role === null || role === user ? [] : [role])))
  const roles = await query(client, roleRow, rolesSql(version), [user, [...owners, ...configured]])
  const ordinary = roles.filter(({ superuser }) => !superuser)
  const administered = (name: string): boolean => version >= 160_000 && configured.has(name)
  const rights = ordinary
    .filter(({ name }) => owners.has(name) || administered(name))
    .map(({ name, member, acts, admin }) =>
      right(
        membership(name, user, { member, acts: owners.has(name), admin: administered(name), version }),
        owners.has(name) && !acts
          ? `is not a member of ${name}, which owns ${name === owner ? 'the database' : 'objects in it'}`
          : `may not set what ${name} has set in the database`,
        (acts || !owners.has(name)) && (admin || !administered(name)),
      ),
    )
  const create = right(
    `alter role ${identifier(user)} createrole`,
    `may not set what ${[...configured].join(', ')} has set in the database`,
    createRole,
  )
  const needsCreate = ordinary.some(({ name }) => configured.has(name))
  return {
    rights: [...rights, ...(needsCreate ? [create] : [])],
    obstacles: roles.flatMap((one) => powerful(one, owners)),
  }
}

/** A membership that is there keeps what it allows besides; a new one allows only what is needed. */
function membership(
  role: string,
  user: string,
  wanted: { member: boolean; acts: boolean; admin: boolean; version: number },
): string {
  const { member, acts, admin, version } = wanted
  const grant = `grant ${identifier(role)} to ${identifier(user)}`
  if (version < 160_000) return grant
  if (!acts) return `${grant} with ${member ? 'admin true' : 'admin true, inherit false, set false'}`
  return `${grant} with ${admin ? 'admin true, ' : ''}inherit true, set true`
}

function powerful({ name, superuser }: z.infer<typeof roleRow>, owners: ReadonlySet<string>): Obstacle[] {
  if (!superuser) return []
  if (owners.has(name))
    return [
      {
        what: `objects of ${name}, who is a superuser`,
        instead: `give them to another role before the backup (ALTER … OWNER TO)`,
      },
    ]
  return [
    {
      what: `settings of ${name} in the database, who is a superuser`,
      instead: `reset them (ALTER ROLE … IN DATABASE … RESET ALL)`,
    },
  ]
}

async function tablespaceRights({ client, subject }: Asked): Promise<Right[]> {
  const { user, needs, tablespace } = subject
  const wanted = [
    ...needs.tablespaces,
    ...(tablespace === undefined || tablespace === 'pg_default' ? [] : [tablespace]),
  ]
  const sql = `select spcname::text as name, coalesce((select has_tablespace_privilege(u.oid, t.oid, 'create') from pg_roles u where u.rolname = $1), false) as held
    from pg_tablespace t where spcname = any ($2) order by 1`
  const rows = await query(client, z.object({ name: z.string(), held: z.boolean() }), sql, [user, wanted])
  return rows.map(({ name, held }) =>
    right(
      `grant create on tablespace ${identifier(name)} to ${identifier(user)}`,
      `may not create in tablespace ${name}`,
      held,
    ),
  )
}

/** Of settings that the server does not know it asks for the same right as of those that only a superuser may set. */
const PARAMETERS = `select distinct n.name from unnest($1::text[]) n(name) left join pg_settings s on lower(s.name) = lower(n.name)
  where s.name is null or s.context in ('superuser', 'superuser-backend') order by 1`

async function parameterRights({ client, subject, version }: Asked): Promise<RestoreRights> {
  const asked = [...subject.settings.map(({ name }) => name), ...subject.needs.parameters]
  const parameters = await query(client, z.object({ name: z.string() }), PARAMETERS, [asked])
  if (version < 150_000) {
    const instead = 'reset it, or restore with a superuser'
    return { rights: [], obstacles: parameters.map(({ name }) => ({ what: `setting ${name}`, instead })) }
  }
  const rights: Right[] = []
  for (const { name } of parameters) rights.push(await parameterRight(client, subject.user, name))
  return { rights, obstacles: [] }
}

async function parameterRight(client: pg.ClientBase, user: string, name: string): Promise<Right> {
  const sql = `select coalesce((select has_parameter_privilege(oid, $2, 'set') from pg_roles where rolname = $1), false) as held`
  const [row] = await query(client, z.object({ held: z.boolean() }), sql, [user, name])
  const parameter = name.split('.').map(identifier).join('.')
  return right(
    `grant set on parameter ${parameter} to ${identifier(user)}`,
    `may not set ${name}, which the database, a role or a function has set`,
    row?.held === true,
  )
}

function bypassRights({ user, needs }: RestoreSubject, held: boolean): Right[] {
  const [table] = needs.forcedRowSecurity
  if (table === undefined) return []
  const without = `could not compare ${table}, whose row-level security is forced on its owner too`
  return [right(`alter role ${identifier(user)} bypassrls`, without, held)]
}
