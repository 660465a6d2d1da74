import type pg from 'pg'
import { z } from 'zod'
import { ofExtension, OUR_SCHEMAS } from './check/check-catalog.ts'
import { query, queryOne } from './connection/query.ts'
import { ROLE_SETS } from './roles/roles-capture.ts'
import { UNFILLABLE } from './fingerprint/unfillable.ts'
import { majorOf } from './versions.ts'

/**
 * What a restore of the session's database will not bring back, as plain sentences; each names what it is about. What
 * pg_dump leaves out depends on its own major, too.
 */
export async function readNotCaptured(client: pg.ClientBase, dumpMajor: number): Promise<string[]> {
  const { version } = await queryOne(client, z.object({ version: z.number() }), VERSION)
  const questions = [...QUESTIONS, ...(dumpMajor < PUBLIC_SINCE ? [PUBLIC_SCHEMA] : [])].filter(
    ({ since }) => since === undefined || since <= majorOf(version),
  )
  const found = await query(client, z.object({ sentence: z.string() }), questions.map(asQuery).join(' union all '))
  return found.map(({ sentence }) => sentence)
}

interface Question {
  /** Completed by the names. */
  readonly sentence: string
  /** Gives the names in a column `name`; no rows if it does not apply. */
  readonly names: string
  /** The first major of the server that can be asked. */
  readonly since?: number
}

/** How the sentence about them begins. */
export const NO_PASSWORDS = 'Passwords of roles are not captured'
const THIS_DATABASE = '(select oid from pg_database where datname = current_database())'
const VERSION = `select current_setting('server_version_num')::int as version`
const IS_SUPERUSER = "current_setting('is_superuser') = 'on'"

const QUESTIONS: readonly Question[] = [
  {
    sentence: `${NO_PASSWORDS}; roles that a restore creates cannot log in with one until it is set:`,
    names: `${ROLE_SETS} select r.rolname::text as name from below join pg_roles r on r.oid = below.id where r.rolcanlogin`,
  },
  {
    sentence:
      'Options of user mappings, such as passwords, are not captured because the role is not a superuser; foreign servers:',
    names: `select srvname || ' for ' || usename as name from pg_user_mappings where umoptions is null and not ${IS_SUPERUSER}`,
  },
  {
    sentence: 'Rows of foreign tables are on other servers:',
    names: `select ${qualified('c')} as name from pg_class c where c.relkind = 'f'`,
  },
  {
    sentence: 'Rows of materialized views are computed anew by a restore:',
    names: `select ${qualified('c')} as name from pg_class c where c.relkind = 'm'`,
  },
  {
    sentence:
      'Materialized views that read one that is not filled come back without rows; REFRESH MATERIALIZED VIEW fills it first, then them:',
    names: `with recursive ${UNFILLABLE} select ${qualified('c')} as name from pg_class c where c.relkind = 'm' and c.relispopulated and c.oid in (select id from unfillable)`,
  },
  {
    sentence: 'Subscriptions, with their connection strings, are not captured because the role is not a superuser:',
    names: `select subname::text as name from pg_subscription where subdbid = ${THIS_DATABASE} and not ${IS_SUPERUSER}`,
  },
  {
    sentence:
      'Subscriptions come back disabled, and their slots on the publisher do not send again what they sent since; their connection strings are captured:',
    names: `select subname || coalesce(' (slot ' || subslotname || ')', ' (no slot)') as name from pg_subscription where subdbid = ${THIS_DATABASE} and ${IS_SUPERUSER}`,
  },
  {
    sentence: 'Replication slots are not captured:',
    names:
      'select slot_name::text as name from pg_replication_slots where database = current_database() and not temporary',
  },
  {
    sentence: 'Indexes that are not valid are not captured; REINDEX makes each whole, DROP INDEX removes it:',
    names: `select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and c.relkind = 'i' and ${OUR_SCHEMAS}`,
  },
  {
    sentence: 'Rows of tables that belong to extensions and are not marked for dumps are not captured:',
    names: `select ${qualified('c')} as name from pg_class c join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass
      join pg_extension e on e.oid = d.refobjid where c.relkind = 'r' and not coalesce(c.oid = any (e.extconfig), false) and pg_relation_size(c.oid) > 0`,
  },
  {
    sentence: 'Temporary objects of open sessions are not captured:',
    names: `select distinct quote_ident(c.relname) as name from pg_class c where c.relpersistence = 't' and c.relkind in ('r', 'p', 'v', 'S')
      union select quote_ident(p.proname) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname ~ '^pg_temp_'`,
  },
  {
    sentence: 'Objects that somebody made in the schemas of the server itself are not captured:',
    names: `select ${qualified('c')} as name from pg_class c where c.oid >= 16384 and c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and not ${ofExtension('pg_class', 'c.oid')}
      union select p.oid::regprocedure::text from pg_proc p where p.oid >= 16384 and p.pronamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and not ${ofExtension('pg_proc', 'p.oid')}`,
  },
  {
    sentence: 'Tablespaces are not captured; a target needs them by the same names:',
    names: `select t.spcname::text as name from pg_tablespace t where exists (select from pg_class c where c.reltablespace = t.oid and t.spcname <> 'pg_global')`,
  },
  {
    sentence: 'SUPERUSER, REPLICATION and BYPASSRLS are not given back to roles that a restore creates:',
    names: `select r.rolname::text as name from pg_roles r where (r.rolsuper or r.rolreplication or r.rolbypassrls) and r.oid <> 10
      and (r.oid = (select datdba from pg_database where datname = current_database())
        or exists (select from pg_shdepend s where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid and s.dbid = ${THIS_DATABASE}))`,
  },
  {
    sentence:
      'Only a superuser can make these extensions, so that a restore cannot give them back to their owners, who are none:',
    names: `select quote_ident(e.extname) as name from pg_extension e join pg_available_extension_versions v on v.name = e.extname and v.version = e.extversion
      where v.superuser and not v.trusted and not (select rolsuper from pg_roles r where r.oid = e.extowner)`,
  },
  {
    sentence: 'Transactions that are prepared but not committed are not captured:',
    names: 'select gid as name from pg_prepared_xacts where database = current_database()',
  },
  {
    sentence: 'The database is restored into the default tablespace, not into:',
    names: `select t.spcname::text as name from pg_database d join pg_tablespace t on t.oid = d.dattablespace where d.datname = current_database() and t.spcname <> 'pg_default'`,
  },
  {
    sentence: 'Grants on parameters of the server (GRANT SET, ALTER SYSTEM ON PARAMETER) are not captured:',
    names: `${ROLE_SETS} select a.parname || ' to ' || r.rolname as name from below join pg_roles r on r.oid = below.id and not r.rolsuper
      join pg_parameter_acl a on exists (select from aclexplode(a.paracl) g where g.grantee = r.oid)`,
    since: 15,
  },
  {
    sentence: 'Comments on roles are not captured:',
    names: `${ROLE_SETS} select r.rolname::text as name from below join pg_roles r on r.oid = below.id where shobj_description(r.oid, 'pg_authid') is not null`,
  },
  {
    sentence: 'That a database is a template is not captured, and a swap does not carry it over:',
    names: 'select datname::text as name from pg_database where datname = current_database() and datistemplate',
  },
  {
    sentence: 'Security labels of roles are not captured:',
    names: `${ROLE_SETS} select r.rolname || ' (' || s.provider || ')' as name from below join pg_roles r on r.oid = below.id
      join pg_shseclabel s on s.classoid = 'pg_authid'::regclass and s.objoid = r.oid`,
  },
]

/** The pg_dump that dumps schema public like any other. Older ones dump its grants only. */
const PUBLIC_SINCE = 15
const PUBLIC_SCHEMA: Question = {
  sentence:
    'Client tools before 15 leave out what schema public was given; newer ones (toolsFolder) do not, or set it by hand after a restore:',
  names: `with public as (select oid, nspowner, obj_description(oid, 'pg_namespace') as comment from pg_namespace where nspname = 'public')
    select 'OWNER TO ' || quote_ident(pg_get_userbyid(nspowner)) as name from public where nspowner <> 10
    union all select 'COMMENT IS ' || coalesce(quote_literal(comment), 'NULL') from public where comment is distinct from 'standard public schema'
    union all select 'SECURITY LABEL FOR ' || quote_literal(l.provider) || ' IS ' || quote_literal(l.label) from public
      join pg_seclabel l on l.classoid = 'pg_namespace'::regclass and l.objoid = public.oid`,
}

function qualified(relation: string): string {
  return `${relation}.relnamespace::regnamespace::text || '.' || quote_ident(${relation}.relname)`
}

function asQuery({ sentence, names }: Question): string {
  return `select '${sentence} ' || string_agg(name, ', ' order by name) || '.' as sentence from (${names}) q having count(*) > 0`
}
