import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { query, queryOne } from '../connection/query.ts'
import type { PostgresSettings } from '../schema.ts'
import { readLeftOut } from '../without-rows/left-out.ts'
import { leftOutFindings } from '../without-rows/sentences.ts'

const OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
const NAME = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
const NAMED = 20

/** A right that reading everything takes, and how to find what the role lacks it for. */
interface Right {
  readonly subject: string
  readonly message: string
  readonly hint: string
  /** Gives the names in a column `name`; no rows if all is well. */
  readonly lacking: string
}

const RIGHTS: readonly Right[] = [
  {
    subject: 'schemas',
    message: 'no USAGE',
    hint: 'Grant USAGE on the schemas, or the role pg_read_all_data.',
    lacking: `select quote_ident(n.nspname) as name from pg_namespace n where ${OURS} and not has_schema_privilege(n.oid, 'usage')`,
  },
  {
    subject: 'tables and sequences',
    message: 'no SELECT',
    hint: 'Grant SELECT on them, or the role pg_read_all_data.',
    lacking: `select ${NAME} as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${OURS}
      and not case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select') else has_table_privilege(c.oid, 'select') end`,
  },
  {
    subject: 'row-level security',
    message: 'policies hide rows from the role',
    hint: 'Give the role BYPASSRLS.',
    lacking: `select ${NAME} as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity and ${OURS} and row_security_active(c.oid)`,
  },
  {
    subject: 'large objects',
    message: 'no right to read them',
    hint: 'Grant SELECT on them, or set lo_compat_privileges for the role in this database.',
    lacking: `select m.oid::text as name from pg_largeobject_metadata m
      where not pg_has_role(m.lomowner, 'usage') and current_setting('lo_compat_privileges') = 'off' and current_setting('is_superuser') = 'off'
        and not exists (select from aclexplode(m.lomacl) a where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_has_role(a.grantee, 'usage')))`,
  },
]

/** Whether the session's role can read the whole database, and whether what the settings name is there. */
export async function checkReading(client: pg.ClientBase, settings: PostgresSettings): Promise<Finding[]> {
  const findings: Finding[] = await checkRole(client)
  for (const right of RIGHTS) findings.push(await checkRight(client, right, settings.database))
  for (const table of settings.preserve) findings.push(await checkPreserved(client, table))
  findings.push(...leftOutFindings(await readLeftOut(client, settings)))
  for (const check of settings.checks) findings.push(await runCheck(client, check))
  return findings
}

/** Reading runs nobody's code, but what is said to be impossible is worth less than a role that may do nothing more. */
async function checkRole(client: pg.ClientBase): Promise<Finding[]> {
  const role = z.object({ user: z.string(), superuser: z.boolean() })
  const { user, superuser } = await queryOne(client, role, ROLE)
  if (!superuser) return []
  return [
    {
      level: 'warning',
      subject: `backup user ${user}`,
      message: 'is a superuser, which a backup does not need',
      hint: 'Make a role (CREATE ROLE holdfast_backup LOGIN), set user to it, and run what holdfast grants backup prints.',
    },
  ]
}

const ROLE = `select current_user::text as user, current_setting('is_superuser') = 'on' as superuser`

async function checkRight(
  client: pg.ClientBase,
  { subject, message, hint, lacking }: Right,
  database: string,
): Promise<Finding> {
  const names = (await query(client, z.object({ name: z.string() }), `${lacking} order by 1`)).map(({ name }) => name)
  const whole = `database ${database}: ${subject}`
  if (names.length === 0) return { level: 'ok', subject: whole, message: 'can be read whole' }
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return { level: 'error', subject: whole, message: `${message}: ${names.slice(0, NAMED).join(', ')}${more}`, hint }
}

async function checkPreserved(client: pg.ClientBase, table: string): Promise<Finding> {
  const subject = `preserved table ${table}`
  const { found } = await queryOne(
    client,
    z.object({ found: z.boolean() }),
    'select to_regclass($1) is not null as found',
    [table],
  ).catch(() => ({ found: false }))
  if (found) return { level: 'ok', subject, message: 'exists' }
  return {
    level: 'error',
    subject,
    message: 'does not exist',
    hint: 'Name it as schema.table, with quotes where SQL needs them.',
  }
}

/** The answer may be wrong on a database that is being worked on; whether it can be asked at all is what counts here. */
async function runCheck(
  client: pg.ClientBase,
  { name, sql, expect }: PostgresSettings['checks'][number],
): Promise<Finding> {
  const subject = `check ${name}`
  await query(client, z.unknown(), 'begin read only')
  try {
    // As the app would have it, and as a restored copy is asked.
    await query(client, z.unknown(), 'set local search_path to default')
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    const found = String(rows[0]?.[0])
    return found === String(expect)
      ? { level: 'ok', subject, message: `gives ${found}` }
      : { level: 'warning', subject, message: `gives ${found} now, expected ${String(expect)}` }
  } catch (error) {
    return {
      level: 'error',
      subject,
      message: `cannot be run: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Correct the SQL of the check.',
    }
  } finally {
    await query(client, z.unknown(), 'rollback')
  }
}
