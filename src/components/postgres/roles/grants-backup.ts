import type pg from 'pg'
import { z } from 'zod'
import { OUR_SCHEMAS } from '../check/check-catalog.ts'
import { identifier } from '../connection/connection.ts'
import type { Right } from './grants-restore.ts'
import { queryOne } from '../connection/query.ts'

const row = z.object({
  exists: z.boolean(),
  superuser: z.boolean(),
  connect: z.boolean(),
  reads: z.boolean(),
  bypass: z.boolean(),
  rowSecurity: z.boolean(),
  largeObjects: z.boolean(),
  compatible: z.boolean(),
})

const ROW = `select u.oid is not null as exists, coalesce(u.rolsuper, false) as superuser,
    coalesce(has_database_privilege(u.oid, current_database(), 'connect'), false) as connect, coalesce(pg_has_role(u.oid, 'pg_read_all_data', 'usage'), false) as reads,
    coalesce(u.rolbypassrls, false) as bypass,
    exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity and ${OUR_SCHEMAS}) as "rowSecurity",
    exists (select from pg_largeobject_metadata) as "largeObjects",
    exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = current_database() and s.setrole = u.oid
      and 'lo_compat_privileges=on' = any (s.setconfig)) as compatible
  from (select 1) one left join pg_roles u on u.rolname = $1`

/** Every right that a backup of the session's database takes of a role that is no superuser, whether it has it or not. */
export async function backupRights(client: pg.ClientBase, user: string, database: string): Promise<readonly Right[]> {
  const found = await queryOne(client, row, ROW, [user])
  if (found.superuser) return []
  const name = identifier(user)
  const right = (statement: string, without: string, held: boolean): Right => ({ statement, without, held })
  return [
    right(`grant connect on database ${identifier(database)} to ${name};`, 'may not connect', found.connect),
    right(`grant pg_read_all_data to ${name};`, 'may not read all tables and sequences', found.reads),
    ...(found.rowSecurity
      ? [right(`alter role ${name} bypassrls;`, 'has rows hidden by row-level security', found.bypass)]
      : []),
    ...(found.largeObjects
      ? [
          right(
            `alter role ${name} in database ${identifier(database)} set lo_compat_privileges = on;`,
            'may not read large objects of others',
            found.compatible,
          ),
        ]
      : []),
  ]
}
