import type pg from 'pg'
import { z } from 'zod'
import { ofExtension, OUR_SCHEMAS, relationName } from './check-catalog.ts'
import { query } from '../connection/query.ts'

/** The user's own objects of a catalog: neither the server's nor of an extension. */
export const OURS = (catalog: string, alias: string): string =>
  `${alias}.oid >= 16384 and not ${ofExtension(catalog, `${alias}.oid`)}`

/**
 * Functions that the server makes by itself for a type, such as those that construct ranges. They are in language internal, and
 * belong to the role that made the server; `p` is pg_proc.
 */
export const MADE_FOR_TYPE = `exists (select from pg_depend x where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.refclassid = 'pg_type'::regclass and x.deptype = 'i')`

const OWNED_BY_SUPERUSER = (role: string): string => `(select rolsuper from pg_roles where oid = ${role})`
const OWN_FUNCTIONS = `${OURS('pg_proc', 'p')} and not ${MADE_FOR_TYPE}`
const BY_OTHERS = 'join pg_roles g on g.oid = a.grantor where a.grantor <>'

const SORTED = (acl: string): string => `(select array_agg(x::text order by x::text) from unnest(${acl}) x)`

interface Granted {
  readonly catalog: string
  /** Of the catalog, and how its columns begin. */
  readonly alias: string
  readonly column: string
  readonly schema?: string
  /** How `acldefault` calls the kind. */
  readonly kind: string
  /** SQL that names one for people. */
  readonly name: string
}

const GRANTED: readonly Granted[] = [
  {
    catalog: 'pg_proc',
    alias: 'p',
    column: 'pro',
    schema: 'pronamespace',
    kind: `'f'`,
    name: `'function ' || p.oid::regprocedure::text`,
  },
  { catalog: 'pg_class', alias: 'c', column: 'rel', schema: 'relnamespace', kind: `'r'`, name: relationName('c') },
  {
    catalog: 'pg_type',
    alias: 't',
    column: 'typ',
    schema: 'typnamespace',
    kind: `'T'`,
    name: `'type ' || t.oid::regtype::text`,
  },
  { catalog: 'pg_language', alias: 'l', column: 'lan', kind: `'l'`, name: `'language ' || quote_ident(l.lanname)` },
]

/** Of an extension that a superuser makes, also where others may ask for it. */
const OF_SUPERUSER = (catalog: string, oid: string): string => `exists (select from pg_depend x
    join pg_extension e on e.oid = x.refobjid join pg_available_extension_versions v on v.name = e.extname and v.version = e.extversion
  where x.classid = '${catalog}'::regclass and x.objid = ${oid} and x.deptype = 'e' and x.refclassid = 'pg_extension'::regclass and v.superuser)`

/** Grants on what the restore does not make itself: what the server has, and what superusers own of an extension. */
function grantsOnOthers({ catalog, alias, column, schema, kind, name }: Granted): string {
  const acl = `${alias}.${column}acl`
  // Of the other schemas of the server no dump has grants.
  const dumped = `${alias}.oid < 16384${schema === undefined ? '' : ` and ${alias}.${schema} = 'pg_catalog'::regnamespace`}`
  const byDefault = `acldefault(${kind}, ${alias}.${column}owner)`
  return `select 'grants on ' || ${name} as name from ${catalog} ${alias}
      left join pg_init_privs i on i.classoid = '${catalog}'::regclass and i.objoid = ${alias}.oid and i.objsubid = 0
    where (${acl} is not null or i.initprivs is not null) and ${SORTED(`coalesce(${acl}, ${byDefault})`)} is distinct from ${SORTED(`coalesce(i.initprivs, ${byDefault})`)}
      and (${dumped} or ${OWNED_BY_SUPERUSER(`${alias}.${column}owner`)} and ${OF_SUPERUSER(catalog, `${alias}.oid`)})`
}

/** What only a superuser can create or give away, whatever else a role may do. Extensions are judged on the server that makes them. */
const KINDS: readonly string[] = [
  `select 'event trigger ' || quote_ident(evtname) as name from pg_event_trigger e where not ${ofExtension('pg_event_trigger', 'e.oid')}`,
  `select 'publication ' || quote_ident(pubname) || ' for all tables' as name from pg_publication where puballtables`,
  `select 'subscription ' || quote_ident(subname) as name from pg_subscription where subdbid = (select oid from pg_database where datname = current_database()) and current_setting('is_superuser') = 'on'`,
  `select 'language ' || quote_ident(lanname) as name from pg_language l where ${OURS('pg_language', 'l')}`,
  `select 'function ' || p.oid::regprocedure::text || ' in language ' || lanname as name from pg_proc p join pg_language l on l.oid = p.prolang where not l.lanpltrusted and p.prokind <> 'a' and ${OWN_FUNCTIONS}`,
  `select 'leakproof function ' || p.oid::regprocedure::text as name from pg_proc p where p.proleakproof and ${OWN_FUNCTIONS}`,
  `select 'support function of function ' || p.oid::regprocedure::text as name from pg_proc p where p.prosupport <> 0 and ${OWN_FUNCTIONS}`,
  `select 'aggregate ' || p.oid::regprocedure::text || ' with a state of type internal' as name from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid
    where 'internal'::regtype in (a.aggtranstype, a.aggmtranstype) and ${OWN_FUNCTIONS}`,
  `select 'foreign-data wrapper ' || quote_ident(fdwname) as name from pg_foreign_data_wrapper w where ${OURS('pg_foreign_data_wrapper', 'w')}`,
  `select 'base type ' || t.oid::regtype::text as name from pg_type t where (t.typtype = 'b' and t.typelem = 0 or t.typtype = 'p' and not t.typisdefined) and ${OURS('pg_type', 't')}`,
  `select 'operator class ' || quote_ident(opcname) as name from pg_opclass o where ${OURS('pg_opclass', 'o')}`,
  `select 'operator family ' || quote_ident(opfname) as name from pg_opfamily f where not exists (select from pg_opclass where opcfamily = f.oid) and ${OURS('pg_opfamily', 'f')}`,
  `select 'cast from ' || castsource::regtype::text || ' to ' || casttarget::regtype::text as name from pg_cast k join pg_type s on s.oid = k.castsource join pg_type t on t.oid = k.casttarget
    where (k.castmethod = 'b' or ${OWNED_BY_SUPERUSER('s.typowner')} and ${OWNED_BY_SUPERUSER('t.typowner')}) and ${OURS('pg_cast', 'k')}
      and not exists (select from pg_range where rngtypid = castsource and rngmultitypid = casttarget)`,
  `select 'transform for ' || f.trftype::regtype::text as name from pg_transform f join pg_type t on t.oid = f.trftype where ${OWNED_BY_SUPERUSER('t.typowner')} and ${OURS('pg_transform', 'f')}`,
  `select 'access method ' || quote_ident(amname) as name from pg_am a where ${OURS('pg_am', 'a')}`,
  `select 'text search parser ' || quote_ident(prsname) as name from pg_ts_parser s where ${OURS('pg_ts_parser', 's')}`,
  `select 'text search template ' || quote_ident(tmplname) as name from pg_ts_template s where ${OURS('pg_ts_template', 's')}`,
  `select distinct 'grants by ' || g.rolname || ' on ' || ${relationName('c')} as name from pg_class c, aclexplode(c.relacl) a ${BY_OTHERS} c.relowner and ${OURS('pg_class', 'c')}`,
  `select distinct 'grants by ' || g.rolname || ' on function ' || p.oid::regprocedure::text as name from pg_proc p, aclexplode(p.proacl) a ${BY_OTHERS} p.proowner and ${OURS('pg_proc', 'p')}`,
  `select distinct 'grants by ' || g.rolname || ' on schema ' || quote_ident(n.nspname) as name from pg_namespace n, aclexplode(n.nspacl) a ${BY_OTHERS} n.nspowner and ${OURS('pg_namespace', 'n')} and ${OUR_SCHEMAS}`,
  ...GRANTED.map(grantsOnOthers),
]
/** Since PostgreSQL 15. */
const SCHEMA_PUBLICATIONS = `select distinct 'publication ' || quote_ident(b.pubname) || ' for tables in schema' as name from pg_publication_namespace s join pg_publication b on b.oid = s.pnpubid`

/**
 * What of the session's database only a superuser can bring back, by name. It is the one list: a backup keeps it, and `check`,
 * `grants` and the preflight say what is in it.
 */
export async function readSuperuserOnly(client: pg.ClientBase, version: number): Promise<string[]> {
  const kinds = [...KINDS, ...(version >= 150_000 ? [SCHEMA_PUBLICATIONS] : [])]
  const sql = `${kinds.join('\nunion all ')} order by 1`
  return (await query(client, z.object({ name: z.string() }), sql)).map(({ name }) => name)
}

/** Extensions that this server lets nobody else make. Which are trusted is for each server to say. */
const EXTENSIONS = `select v.name::text as name from pg_available_extension_versions v join pg_available_extensions a on a.name = v.name and a.default_version = v.version
  where v.superuser and not v.trusted and v.name = any ($1) order by 1`

export async function untrustedExtensions(client: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const rows = await query(client, z.object({ name: z.string() }), EXTENSIONS, [
    names.filter((one) => one !== 'plpgsql'),
  ])
  return rows.map(({ name }) => `extension ${name}`)
}
