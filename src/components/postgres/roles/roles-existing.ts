import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { settingValue } from '../connection/setting-value.ts'
import { identifier } from '../connection/connection.ts'
import { splitSetting } from '../capture/database-facts.ts'
import { query } from '../connection/query.ts'
import type { CapturedRole, PostgresDetails } from '../schema.ts'

const row = z.object({
  name: z.string(),
  login: z.boolean(),
  memberOf: z.array(z.string()),
  settings: z.array(z.string()),
})
type Existing = z.infer<typeof row>

const EXISTING = `select r.rolname::text as name, r.rolcanlogin as login,
    array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as "memberOf",
    coalesce((select s.setconfig from pg_db_role_setting s where s.setrole = r.oid and s.setdatabase = 0), '{}') as settings
  from pg_roles r where r.rolname = any ($1) order by 1`

/**
 * How roles that exist differ from what they were when the point was made. A restore leaves them as they are, since they
 * are shared with other databases; but an application whose role is no member any more cannot read what it is given back.
 */
export async function existingFindings(admin: pg.Client, { roles }: PostgresDetails): Promise<Finding[]> {
  const existing = await query(admin, row, EXISTING, [roles.map(({ name }) => name)])
  const captured = new Map(roles.map((role) => [role.name, role]))
  return existing.flatMap((now) => {
    const then = captured.get(now.name)
    return then === undefined ? [] : differences(now, then)
  })
}

function differences(now: Existing, then: CapturedRole): Finding[] {
  const name = identifier(now.name)
  const left = (message: string, statement: string): Finding => ({
    level: 'warning',
    subject: `role ${now.name}`,
    message: `${message}; roles that exist are left as they are`,
    hint: `To have it as it was: ${statement};`,
  })
  const lost = then.memberOf.filter(({ role }) => !now.memberOf.includes(role))
  const have = new Map(now.settings.map(splitSetting).map((one) => [one.name, one.value]))
  const reset = then.settings.filter((one) => !one.inDatabase && have.get(one.name) !== one.value)
  return [
    ...(then.attributes.login && !now.login ? [left('could log in and cannot now', `alter role ${name} login`)] : []),
    ...lost.map(({ role }) => left(`was a member of ${role} and is not now`, `grant ${identifier(role)} to ${name}`)),
    ...reset.map((one) =>
      left(
        `had ${one.name} set to ${one.value}, which is otherwise now`,
        `alter role ${name} set ${identifier(one.name)} to ${settingValue(one.name, one.value)}`,
      ),
    ),
  ]
}
