import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { identifier, literal } from '../../connection/connection.ts'
import { openDatabase } from './fence.ts'
import { formatMarker } from './marker.ts'
import type { MarkerBody } from './marker.ts'
import type { WayTaken } from '../second-pass/way.ts'
import type { PostgresDetails } from '../../schema.ts'
import { query, queryOne } from '../../connection/query.ts'
import { sameRole } from '../../roles/role-encoding.ts'
import { dropSubscriptions, readSubscriptions } from './subscriptions.ts'
import { change } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { isOurs, readWorld } from '../target/restore-databases.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'

/** Where template0 is. */
const DEFAULT_TABLESPACE = 'pg_default'

/**
 * Makes the empty side database, marked as not loaded. An earlier one of this restore is dropped first.
 * Its owner and tablespace are those of the live database, or the captured owner where there is none.
 */
export async function createSide(
  admin: pg.Client,
  place: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<void> {
  await dropBeside(admin, place, 'side', context)
  const { live } = await readWorld(admin, place.names)
  const locale = await chooseLocale(admin, details)
  const clauses = [
    `owner ${identifier(live?.owner ?? details.owner)}`,
    `encoding ${literal(details.encoding)}`,
    ...locale.clauses,
    // To name the default one takes a right of its own, which nobody needs who does not name it.
    ...(live === undefined || live.tablespace === DEFAULT_TABLESPACE
      ? []
      : [`tablespace ${identifier(live.tablespace)}`]),
  ]
  // Dying between these two leaves an empty database without a mark, which dropSide takes for ours by its name.
  await change(
    admin,
    'CREATE DATABASE side',
    `create database ${identifier(place.names.side)} template template0 ${clauses.join(' ')}`,
    context,
  )
  await markSide(admin, place, { ways: undefined }, context)
}

/** Says on the side database whether it holds everything, and how it was loaded; only then may it be swapped in. */
export function markSide(
  admin: pg.Client,
  place: DatabaseTarget,
  { ways }: { readonly ways: readonly WayTaken[] | undefined },
  context: Context,
): Promise<void> {
  const how =
    ways === undefined ? { loaded: false } : { loaded: true, ...(ways.length === 0 ? {} : { ways: [...ways] }) }
  const body: MarkerBody = { role: 'side', database: place.names.live, at: context.clock.now().toISOString(), ...how }
  return change(
    admin,
    `COMMENT ON DATABASE side ${how.loaded ? 'loaded' : 'loading'}`,
    commentStatement(place.names.side, formatMarker(place.restoreId, body)),
    context,
  )
}

/**
 * Drops the side database, or that of definitions, sessions and all. One that is not there is fine; one that bears another
 * mark is refused.
 */
export async function dropBeside(
  admin: pg.Client,
  place: DatabaseTarget,
  role: 'side' | 'reference',
  context: Context,
): Promise<void> {
  const row = (await readWorld(admin, place.names))[role]
  if (row === undefined) return
  if (row.comment !== null && !isOurs(row, place.restoreId, role)) throw notOurs(row)
  if ((await readSubscriptions(admin, row.name)).length > 0) {
    // A swap that died may have closed it.
    await openDatabase(admin, role, row.name, context)
    await dropSubscriptions(admin, place.server, row.name, context)
  }
  await dropDatabase(admin, role, row.name, context)
}

const template = z.object({ isTemplate: z.boolean() })
const IS_TEMPLATE = 'select datistemplate as "isTemplate" from pg_database where datname = $1'

/** Drops a database that the caller has found to be Holdfast's own. PostgreSQL drops none that is a template. */
export async function dropDatabase(admin: pg.Client, what: string, name: string, context: Context): Promise<void> {
  const [found] = await query(admin, template, IS_TEMPLATE, [name])
  if (found?.isTemplate === true)
    await change(
      admin,
      `ALTER DATABASE ${what} IS_TEMPLATE`,
      `alter database ${identifier(name)} is_template false`,
      context,
    )
  await change(admin, `DROP DATABASE ${what}`, `drop database if exists ${identifier(name)} with (force)`, context)
}

export function notOurs(row: DatabaseRow): Failure {
  return new Failure('refused', `database ${row.name} does not bear the mark of this restore`, {
    hint: 'Somebody made or changed it. Look at its comment, and rename or drop it by hand if it is not needed.',
  })
}

export function commentStatement(database: string, comment: string | null): string {
  return `comment on database ${identifier(database)} is ${comment === null ? 'null' : literal(comment)}`
}

/** What a database is made with. */
export type DatabaseLocale = Pick<
  PostgresDetails,
  'encoding' | 'localeProvider' | 'collate' | 'ctype' | 'icuLocale' | 'icuRules'
>

/** The locale a side database gets. */
export interface LocaleChoice {
  readonly clauses: readonly string[]
  /** What was captured and is not on this server; the server's default locale is used instead. */
  readonly missing: string | undefined
}

const available = z.object({ version: z.number(), known: z.boolean() })

/**
 * The captured locale as clauses of CREATE DATABASE. A locale counts as known when the server has a collation or a
 * database that uses it; the operating system's list cannot be asked from SQL.
 */
export async function chooseLocale(admin: pg.Client, details: DatabaseLocale): Promise<LocaleChoice> {
  const provider = providerOf(details)
  const { version, known } = await queryOne(admin, available, LOCALE_KNOWN, [details.collate, details.ctype])
  const provided = provider === 'libc' || (await hasProvider(admin, provider, version))
  const name =
    provider === 'libc' ? `${details.collate} / ${details.ctype}` : `${provider} ${details.icuLocale ?? ''}`.trim()
  if (!known || !provided) return { clauses: [], missing: name }
  return { clauses: localeClauses(details, provider, version), missing: undefined }
}

const NORMALIZED = `regexp_replace(lower(n), '[^a-z0-9@_.]', '', 'g')`
const LOCALE_KNOWN = `with known as (
    select 'C' as n union select 'POSIX' union select datcollate from pg_database union select datctype from pg_database
    union select collcollate from pg_collation where collprovider = 'c' union select collctype from pg_collation where collprovider = 'c'
  ), asked as (select unnest(array[$1, $2]) as n)
  select current_setting('server_version_num')::int as version,
    not exists (select ${NORMALIZED} from asked except select ${NORMALIZED} from known) as known`

async function hasProvider(admin: pg.Client, provider: 'icu' | 'builtin', version: number): Promise<boolean> {
  if (provider === 'builtin') return version >= 170_000
  // The collation `unicode` is in the catalog of builds without ICU too.
  const sql = `select count(*) > 1 as present from pg_collation where collprovider = 'i'`
  return version >= 150_000 && (await queryOne(admin, z.object({ present: z.boolean() }), sql)).present
}

function providerOf({ localeProvider }: DatabaseLocale): 'libc' | 'icu' | 'builtin' {
  if (localeProvider === 'icu' || localeProvider === 'i') return 'icu'
  return localeProvider === 'builtin' || localeProvider === 'b' ? 'builtin' : 'libc'
}

function localeClauses(details: DatabaseLocale, provider: 'libc' | 'icu' | 'builtin', version: number): string[] {
  const base = [`lc_collate ${literal(details.collate)}`, `lc_ctype ${literal(details.ctype)}`]
  if (version < 150_000) return base
  if (provider === 'libc') return [...base, 'locale_provider libc']
  const name =
    details.icuLocale === null
      ? []
      : [`${provider === 'icu' ? 'icu_locale' : 'builtin_locale'} ${literal(details.icuLocale)}`]
  const rules =
    provider === 'icu' && version >= 160_000 && typeof details.icuRules === 'string'
      ? [`icu_rules ${literal(details.icuRules)}`]
      : []
  return [...base, `locale_provider ${provider}`, ...name, ...rules]
}

/** Names of the roles that own or are granted something and do not exist on the server. */
export async function missingRoleNames(
  admin: pg.Client,
  names: readonly string[],
  encoding: string,
): Promise<string[]> {
  const sql = `select n::text as name from unnest($1::text[]) n where not exists (select from pg_roles where ${sameRole('n', '$2')}) order by 1`
  return (await query(admin, z.object({ name: z.string() }), sql, [names, encoding])).map(({ name }) => name)
}

/** How the side database of this restore was loaded, as its mark says. */
export async function readWays(admin: pg.Client, { names }: DatabaseTarget): Promise<readonly WayTaken[]> {
  const { side } = await readWorld(admin, names)
  return side?.marker?.role === 'side' ? (side.marker.ways ?? []) : []
}
