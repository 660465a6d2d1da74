import type pg from 'pg'
import { z } from 'zod'
import { ofExtension, OUR_SCHEMAS, relationName } from '../check/check-catalog.ts'
import { query } from '../connection/query.ts'
import type { RestoreNeeds } from '../schema.ts'
import { MADE_FOR_TYPE, OURS, readSuperuserOnly } from '../check/superuser-only.ts'

const names = z.object({ name: z.string() })
const guest = z.object({ schema: z.string(), role: z.string() })
const extension = z.object({ name: z.string(), schema: z.string(), owner: z.string().nullable() })

/**
 * Roles that objects are given to by a restore. Those of extensions are made by their scripts, and so have no owner in
 * a dump. The dependencies leave out the role that made the server, so catalogs are asked for it too.
 */
const OWNERS = `
  with here as (select oid, datdba from pg_database where datname = current_database()),
  owned(id) as (
    select datdba from here
    union select s.refobjid from pg_shdepend s, here where s.dbid = here.oid and s.refclassid = 'pg_authid'::regclass and s.deptype = 'o'
      and not (s.classid = 'pg_extension'::regclass and (select rolsuper from pg_roles r where r.oid = s.refobjid))
      and not exists (select from pg_depend x where x.classid = s.classid and x.objid = s.objid and x.deptype = 'e')
    union select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${OURS('pg_class', 'c')} and ${OUR_SCHEMAS}
    union select proowner from pg_proc p where ${OURS('pg_proc', 'p')} and not ${MADE_FOR_TYPE}
    union select typowner from pg_type t where ${OURS('pg_type', 't')} and t.typcategory <> 'A'
      and (t.typtype in ('b', 'd', 'e', 'r') or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    union select nspowner from pg_namespace n where ${OURS('pg_namespace', 'n')} and ${OUR_SCHEMAS}
    union select lomowner from pg_largeobject_metadata)
  select r.rolname::text as name from owned join pg_roles r on r.oid = owned.id where r.rolname !~ '^pg_' order by 1`

/** Catalogs whose objects are in a schema and can be given away: only to who may create there. */
const OWNED_IN_SCHEMAS: readonly (readonly [catalog: string, owner: string, schema: string])[] = [
  ['pg_class', 'relowner', 'relnamespace'],
  ['pg_proc', 'proowner', 'pronamespace'],
  ['pg_type', 'typowner', 'typnamespace'],
  ['pg_operator', 'oprowner', 'oprnamespace'],
  ['pg_collation', 'collowner', 'collnamespace'],
  ['pg_conversion', 'conowner', 'connamespace'],
  ['pg_statistic_ext', 'stxowner', 'stxnamespace'],
  ['pg_ts_config', 'cfgowner', 'cfgnamespace'],
  ['pg_ts_dict', 'dictowner', 'dictnamespace'],
  ['pg_extension', 'extowner', 'extnamespace'],
]
const GUESTS = OWNED_IN_SCHEMAS.map(
  ([catalog, owner, schema]) => `
  select n.nspname::text as schema, r.rolname::text as role
  from ${catalog} o join pg_namespace n on n.oid = o.${schema} join pg_roles r on r.oid = o.${owner}
  where o.oid >= 16384 and not ${ofExtension(catalog, 'o.oid')} and ${OUR_SCHEMAS} and not r.rolsuper and not pg_has_role(r.oid, n.nspowner, 'usage')`,
).join(' union ')

/** Those that others need come first; plpgsql is in every database. */
const EXTENSIONS = `
  with recursive depth(id, level) as (
    select oid, 0 from pg_extension
    union all select d.objid, level + 1 from depth join pg_depend d on d.classid = 'pg_extension'::regclass and d.refclassid = 'pg_extension'::regclass and d.refobjid = depth.id)
  select e.extname::text as name, n.nspname::text as schema, case when r.rolsuper then null else r.rolname::text end as owner
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace join pg_roles r on r.oid = e.extowner
  where e.oid >= 16384 order by (select max(level) from depth where depth.id = e.oid), 1`

/** Parameters that functions set, and that only superusers may set. */
const PARAMETERS = `select distinct g.name::text as name from pg_proc p, unnest(p.proconfig) c(setting) join pg_settings g on lower(g.name) = lower(split_part(c.setting, '=', 1))
  where g.context in ('superuser', 'superuser-backend') and ${OURS('pg_proc', 'p')} order by 1`

const FORCED = `select ${relationName('c')} as name from pg_class c where c.relrowsecurity and c.relforcerowsecurity order by 1`
const TABLESPACES = `select distinct t.spcname::text as name from pg_tablespace t join pg_class c on c.reltablespace = t.oid where t.spcname <> 'pg_global' order by 1`

/** What the role that restores the session's database must be able to do, besides making a database. */
export async function readRestoreNeeds(client: pg.ClientBase, version: number): Promise<RestoreNeeds> {
  const read = async (sql: string): Promise<string[]> => (await query(client, names, sql)).map(({ name }) => name)
  return {
    owners: await read(OWNERS),
    superuserOnly: await readSuperuserOnly(client, version),
    parameters: await read(PARAMETERS),
    forcedRowSecurity: await read(FORCED),
    tablespaces: await read(TABLESPACES),
    guests: await query(client, guest, `${GUESTS} order by 1, 2`),
    extensions: await query(client, extension, EXTENSIONS),
  }
}

const NOTHING_KNOWN = {
  superuserOnly: [],
  parameters: [],
  forcedRowSecurity: [],
  tablespaces: [],
  guests: [],
  extensions: [],
}

/** For points from before needs were captured: nothing is known but the owner. */
export function needsOf(details: { readonly owner: string; readonly needs?: RestoreNeeds | undefined }): RestoreNeeds {
  return details.needs ?? { ...NOTHING_KNOWN, owners: [details.owner] }
}
