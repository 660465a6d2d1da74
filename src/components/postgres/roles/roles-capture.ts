import type pg from 'pg'
import { z } from 'zod'
import { splitSetting } from '../capture/database-facts.ts'
import { query } from '../connection/query.ts'
import { roleAttributes, type CapturedRole } from '../schema.ts'
import { MADE_FOR_TYPE } from '../check/superuser-only.ts'

/**
 * Two sets of roles, for a query to begin with. `needed`: without them the database cannot be read back: who owns, was
 * granted or is named in a policy of anything in it, who owns or may use the database, who has settings in it, and every
 * role that one of these is a member of. Nothing is recorded for the role that made the server (oid 10), so it counts if it
 * owns something here. `below`: those, and who has rights here only as a member of them, for example to log in. Since
 * PostgreSQL 16 a membership may give no rights at all, such as that of whoever created the role.
 */
export const ROLE_SETS = `
  with recursive here as (select * from pg_database where datname = current_database()),
  needed(id) as (
    select s.refobjid from pg_shdepend s, here where s.refclassid = 'pg_authid'::regclass and (s.dbid = here.oid or (s.classid = 'pg_database'::regclass and s.objid = here.oid))
    union select datdba from here
    union select unnest(array[a.grantee, a.grantor]) from here, aclexplode(here.datacl) a
    union select s.setrole from pg_db_role_setting s, here where s.setdatabase = here.oid
    union select 10::oid where exists (select from pg_class where relowner = 10 and oid >= 16384) or exists (select from pg_namespace where nspowner = 10 and (oid >= 16384 or nspname = 'public'))
      or exists (select from pg_proc p where p.proowner = 10 and p.oid >= 16384 and not ${MADE_FOR_TYPE}) or exists (select from pg_type where typowner = 10 and oid >= 16384)
      or exists (select from pg_extension where extowner = 10 and oid >= 16384) or exists (select from pg_largeobject_metadata where lomowner = 10)
    union select m.roleid from needed join pg_auth_members m on m.member = needed.id
  ),
  below(id) as (
    select r.oid from needed join pg_roles r on r.oid = needed.id where r.rolname !~ '^pg_'
    union select m.member from below join pg_auth_members m on m.roleid = below.id join pg_roles r on r.oid = m.member and not r.rolsuper
      where coalesce((to_jsonb(m)->>'inherit_option')::boolean, true) or coalesce((to_jsonb(m)->>'set_option')::boolean, true)
  )`

/** Of roles that are only below, what they are a member of elsewhere is none of this database's business. */
const ROLES = `${ROLE_SETS}
  select r.rolname as name, r.rolcanlogin as login, r.rolinherit as inherit, r.rolcreatedb as "createDatabase", r.rolcreaterole as "createRole", r.rolsuper as superuser,
    r.rolreplication as replication, r.rolbypassrls as "bypassRowSecurity", r.rolconnlimit as "connectionLimit", r.rolvaliduntil::text as "validUntil",
    coalesce((select jsonb_agg(jsonb_build_object('role', o.rolname, 'adminOption', o.admin, 'inheritOption', o.inherit, 'setOption', o.set) order by o.rolname) from (
      select g.rolname, bool_or(m.admin_option) as admin, bool_or((to_jsonb(m)->>'inherit_option')::boolean) as inherit, bool_or((to_jsonb(m)->>'set_option')::boolean) as set
      from pg_auth_members m join pg_roles g on g.oid = m.roleid
      where m.member = r.oid and (r.oid in (select id from needed) or m.roleid in (select id from below)) group by g.rolname) o), '[]') as "memberOf",
    coalesce((select jsonb_agg(jsonb_build_object('setting', c.setting, 'inDatabase', s.setdatabase <> 0) order by s.setdatabase, c.setting)
      from pg_db_role_setting s cross join unnest(s.setconfig) as c(setting) where s.setrole = r.oid and s.setdatabase in (0, (select oid from here))), '[]') as settings
  from below join pg_roles r on r.oid = below.id order by 1`

const option = z.boolean().nullable()
const row = z.object({
  name: z.string(),
  ...roleAttributes.shape,
  memberOf: z.array(z.object({ role: z.string(), adminOption: z.boolean(), inheritOption: option, setOption: option })),
  settings: z.array(z.object({ setting: z.string(), inDatabase: z.boolean() })),
})

/** Reads the roles of the session's database. Predefined roles (`pg_…`) only appear as what others are members of. */
export async function readRoles(client: pg.ClientBase): Promise<CapturedRole[]> {
  const roles = await query(client, row, ROLES)
  return roles.map(({ name, memberOf, settings, ...attributes }) => ({
    name,
    attributes,
    memberOf: memberOf.map(membership),
    settings: settings.map(({ setting, inDatabase }) => ({ ...splitSetting(setting), inDatabase })),
  }))
}

/** The options exist since PostgreSQL 16. */
function membership({
  role,
  adminOption,
  inheritOption,
  setOption,
}: z.infer<typeof row>['memberOf'][number]): CapturedRole['memberOf'][number] {
  return {
    role,
    adminOption,
    ...(inheritOption === null ? {} : { inheritOption }),
    ...(setOption === null ? {} : { setOption }),
  }
}
