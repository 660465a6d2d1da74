import type pg from 'pg'
import { z } from 'zod'
import { query, queryOne } from '../connection/query.ts'
import type { PostgresDetails } from '../schema.ts'
import { readLabels, readProviders } from '../roles/security-labels.ts'
import { readSessionSettings } from '../connection/session-facts.ts'
import { readSubscriptions } from '../restore/staged/subscriptions.ts'

/** What is known about a database besides its content and its roles. */
export type DatabaseFacts = Omit<
  PostgresDetails,
  'roles' | 'rolePasswords' | 'needs' | 'fingerprint' | 'dumpVersionText' | 'lanes' | 'imported'
>

const PROVIDERS: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin' }

const facts = z.object({
  database: z.string(),
  serverVersion: z.number(),
  serverVersionText: z.string(),
  owner: z.string(),
  encoding: z.string(),
  localeProvider: z.string().nullable(),
  collate: z.string(),
  ctype: z.string(),
  icuLocale: z.string().nullable(),
  icuRules: z.string().nullable(),
  collationVersion: z.string().nullable(),
  connectionLimit: z.number(),
  comment: z.string().nullable(),
  acl: z.array(z.string()).nullable(),
  size: z.string(),
  snapshotAt: z.string(),
})

/**
 * Columns that only some majors have are read through JSON: the provider is there since 15, its locale was called
 * daticulocale until 16 and is datlocale since 17.
 */
const FACTS = `
  select d.datname as database, current_setting('server_version_num')::int as "serverVersion", current_setting('server_version') as "serverVersionText",
    pg_get_userbyid(d.datdba) as owner, pg_encoding_to_char(d.encoding) as encoding, j->>'datlocprovider' as "localeProvider",
    d.datcollate::text as collate, d.datctype::text as ctype, coalesce(j->>'datlocale', j->>'daticulocale') as "icuLocale", j->>'daticurules' as "icuRules",
    j->>'datcollversion' as "collationVersion", d.datconnlimit as "connectionLimit", shobj_description(d.oid, 'pg_database') as comment,
    d.datacl::text[] as acl, pg_database_size(d.oid)::text as size, to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "snapshotAt"
  from pg_database d, to_jsonb(d) j where d.datname = current_database()`

const SETTINGS = `
  select unnest(s.setconfig) as setting from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
  where d.datname = current_database() and s.setrole = 0 order by 1`

/** Reads the facts of the database that the session is connected to. */
export async function readDatabaseFacts(client: pg.ClientBase): Promise<DatabaseFacts> {
  const read = await queryOne(client, facts, FACTS)
  const settings = await query(client, z.object({ setting: z.string() }), SETTINGS)
  return {
    ...read,
    localeProvider: PROVIDERS[read.localeProvider ?? 'c'] ?? 'libc',
    settings: settings.map(({ setting }) => splitSetting(setting)),
    sessionSettings: [...(await readSessionSettings(client))],
    securityLabels: await readLabels(client, read.database),
    labelProviders: await readProviders(client),
    subscriptions: await readSubscriptions(client, read.database),
    systemIdentifier: await readSystemIdentifier(client),
  }
}

/** `name=value` as the catalogs keep it; the value may hold more equal signs. */
export function splitSetting(setting: string): { name: string; value: string } {
  const at = setting.indexOf('=')
  return { name: setting.slice(0, at), value: setting.slice(at + 1) }
}

/** Tells this server from a copy of it. Some providers deny the function; it is asked for the right first, as a refusal would end the transaction. */
async function readSystemIdentifier(client: pg.ClientBase): Promise<string | null> {
  const [row] = await query(
    client,
    z.object({ allowed: z.boolean() }),
    "select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as allowed",
  )
  if (row?.allowed !== true) return null
  const { id } = await queryOne(
    client,
    z.object({ id: z.string() }),
    'select system_identifier::text as id from pg_control_system()',
  )
  return id
}
