import { escapeIdentifier } from 'pg'
import type { DatasetPlan, Step } from './types.ts'

/** Grants, default privileges and settings. Run as the owner, except for the database's own settings. */
export function accessSteps(plan: DatasetPlan): readonly Step[] {
  return [{ does: 'grants', sql: grants(escapeIdentifier(plan.roles.reader), plan) }]
}

function grants(reader: string, plan: DatasetPlan): string {
  const photos = Array.from({ length: plan.rows.largeObjects }, (_, number) => plan.firstLargeObject + number)
  return `
grant usage on schema idp, "Audit Log" to ${reader};
grant select on all tables in schema "Audit Log" to ${reader};
grant select on idp.current_sessions, idp.groups, idp.group_members, idp.tenant_secrets to ${reader};
grant select (id, uid, display_name, status) on idp.accounts to ${reader};
grant usage on sequence "Audit Log".event_number to ${reader};
revoke execute on function idp.sessions_of(text) from public;
grant execute on function idp.sessions_of(text) to ${reader} with grant option;
grant select on large object ${photos.join(', ')} to ${reader};
alter default privileges in schema "Audit Log" grant select on tables to ${reader};
alter default privileges revoke execute on functions from public;`
}

/** What belongs to the database and not to anything in it. Needs a superuser. */
export function databaseSteps(plan: DatasetPlan): readonly Step[] {
  const [database, owner, reader] = [plan.database, plan.roles.owner, plan.roles.reader].map((name) =>
    escapeIdentifier(name),
  )
  return [
    {
      does: 'settings of the database',
      sql: `
alter database ${database} owner to ${owner};
alter database ${database} set timezone = 'Europe/Paris';
alter database ${database} set search_path = idp, public;
alter role ${reader} in database ${database} set statement_timeout = '30s';
revoke temporary on database ${database} from public;
grant connect, temporary on database ${database} to ${reader};
comment on database ${database} is 'Identity provider';`,
    },
  ]
}
