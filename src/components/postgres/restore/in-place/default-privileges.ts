import type pg from 'pg'
import { z } from 'zod'
import { query } from '../../connection/query.ts'
import { asciiIdentifier as quoted } from './ascii.ts'

const row = z.object({
  role: z.string(),
  schema: z.string().nullable(),
  kind: z.enum(['r', 'S', 'f', 'T', 'n', 'L']),
  /** Null is PUBLIC. */
  grantees: z.array(z.string().nullable()),
})
type Defaults = z.infer<typeof row>

const WORDS: Readonly<Record<Defaults['kind'], string>> = {
  r: 'tables',
  S: 'sequences',
  f: 'functions',
  T: 'types',
  n: 'schemas',
  L: 'large objects',
}

/** What everybody may do with what has no grants of its own. */
const EVERYBODY: Partial<Record<Defaults['kind'], string>> = { f: 'execute', T: 'usage' }

/** Of the roles that this session may speak for; only its own decide about what it makes. */
const DEFAULTS = `select r.rolname::text as role, n.nspname::text as schema, d.defaclobjtype::text as kind,
    array(select distinct case when a.grantee = 0 then null else pg_catalog.pg_get_userbyid(a.grantee)::text end from pg_catalog.aclexplode(d.defaclacl) a) as grantees
  from pg_catalog.pg_default_acl d join pg_catalog.pg_roles r on r.oid = d.defaclrole left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
  where pg_catalog.pg_has_role(d.defaclrole, 'usage') order by 1, 2, 3`

/**
 * The statements that take the default privileges of the session's database away, so that nothing that is made gets grants of
 * them. A dump gives back those that it has, behind all objects.
 */
export async function withoutDefaultPrivileges(session: pg.ClientBase): Promise<string[]> {
  return (await query(session, row, DEFAULTS)).flatMap(statements)
}

function statements({ role, schema, kind, grantees }: Defaults): string[] {
  const scope = `alter default privileges for role ${quoted(role)}${schema === null ? '' : ` in schema ${quoted(schema)}`}`
  const revoke = (who: string): string => `${scope} revoke all on ${WORDS[kind]} from ${who}`
  const revokes = new Set(grantees.map((one) => revoke(one === null ? 'public' : quoted(one))))
  // Those of a schema only add to the others; those of no schema are in place of what the server gives by itself.
  if (schema !== null) return [...revokes]
  const everybody = EVERYBODY[kind]
  return [
    ...revokes,
    revoke(quoted(role)),
    `${scope} grant all on ${WORDS[kind]} to ${quoted(role)}`,
    ...(everybody === undefined ? [] : [`${scope} grant ${everybody} on ${WORDS[kind]} to public`]),
  ]
}
