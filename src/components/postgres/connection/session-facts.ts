import type pg from 'pg'
import { z } from 'zod'
import { query } from './query.ts'
import type { PostgresDetails } from '../schema.ts'
import type { SessionSettings } from './unhindered.ts'

type Named = readonly { readonly name: string; readonly value: string }[]

/**
 * Settings of the server's own that give data its meaning: checks, generated columns and keys of partitions are computed
 * with them. Others are of an application or an extension, and have a dot in their names.
 */
const MEANING = [
  'TimeZone',
  'timezone_abbreviations',
  'DateStyle',
  'IntervalStyle',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'default_text_search_config',
  'extra_float_digits',
  'bytea_output',
]
/** Recorded for whoever resolves names by it; never in force while rows are loaded. */
const SEARCH_PATH = 'search_path'

/** What sessions of the application begin with: those of the server, the database and the database's owner, the last first. */
const BEGINNINGS = `
  with given as (select g.name, g.value, d.setrole, d.setdatabase, s.datdba from pg_database s, pg_db_role_setting d,
      lateral (select split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value from unnest(d.setconfig) c) g
    where s.datname = current_database() and d.setdatabase in (0, s.oid))
  select name, reset_val as value, 0 as rank from pg_settings s where (name = any ($1::text[]) or name ~ '[.]') and reset_val is not null
    and (name = any ($1::text[]) or reset_val is distinct from boot_val)
    and not exists (select from given g join pg_roles r on r.oid = g.setrole where lower(g.name) = lower(s.name) and r.rolname = session_user)
  union all select name, value, case when setrole = 0 then 1 when setdatabase = 0 then 2 else 3 end from given
    where setrole in (0, datdba) and (lower(name) = any (select lower(n) from unnest($1::text[]) n) or name ~ '[.]')
  order by rank, name`

/** Those that mean something for data, as the application's sessions have them. */
export async function readSessionSettings(client: pg.ClientBase): Promise<Named> {
  const row = z.object({ name: z.string(), value: z.string() })
  const rows = await query(client, row, BEGINNINGS, [[...MEANING, SEARCH_PATH]])
  return [...new Map(rows.map((one) => [one.name.toLowerCase(), one])).values()]
}

type Recorded = Pick<PostgresDetails, 'settings' | 'sessionSettings' | 'plainMoney' | 'roles' | 'owner'>

/** What gave the data of a point its meaning. Older points only say what database and owner have set. */
export function meaningOf(details: Recorded): SessionSettings {
  const owner = details.roles.find(({ name }) => name === details.owner)?.settings ?? []
  const known = new Set(MEANING.map((name) => name.toLowerCase()))
  const meant = (details.sessionSettings ?? [...details.settings, ...owner])
    .map(({ name, value }) => [name.toLowerCase(), value] as const)
    .filter(([name]) => known.has(name) || name.includes('.'))
  return { ...Object.fromEntries(meant), ...(details.plainMoney === true ? { lc_monetary: 'C' } : {}) }
}
