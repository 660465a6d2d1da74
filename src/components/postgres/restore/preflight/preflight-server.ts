import { Failure } from '../../../../core/failure.ts'
import type pg from 'pg'
import { z } from 'zod'
import { failedFinding } from '../../../../core/failed-finding.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { query, queryOne } from '../../connection/query.ts'
import type { PostgresDetails, PostgresSettings } from '../../schema.ts'
import { chooseLocale } from '../staged/side-database.ts'
import { replicationFindings } from '../staged/subscriptions.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { chooseRestoreTools } from '../../tools/tools-restore.ts'
import { describeVersion, floorFinding, majorOf } from '../../versions.ts'

const serverRow = z.object({ version: z.number(), text: z.string() })

/** Whether this server and these client tools can take the dump. */
export async function serverFindings(
  admin: pg.Client,
  { settings }: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<Finding[]> {
  const sql = `select current_setting('server_version_num')::int as version, current_setting('server_version') as text`
  const { version } = await queryOne(admin, serverRow, sql)
  return [
    versionFinding(version, details),
    ...publicFindings(version, details),
    ...(await toolFindings(version, settings, details, context)),
    ...(await localeFindings(admin, version, details)),
    ...(await extensionFindings(admin, details)),
    ...replicationFindings(details),
  ]
}

function versionFinding(version: number, details: PostgresDetails): Finding {
  const subject = `server ${describeVersion(version)}`
  if (majorOf(version) >= majorOf(details.serverVersion))
    return { level: 'ok', subject, message: `takes what ${describeVersion(details.serverVersion)} held` }
  return {
    level: 'error',
    subject,
    message: `is older than ${describeVersion(details.serverVersion)}, from which the restore point is`,
    hint: 'Restore to a server of that major or newer.',
  }
}

/** Until 14 everybody could create there unless somebody had changed it, which a dump does not say of what nobody changed. */
const CLOSED_SINCE = 15
const OWN_GRANTS = 'ACL SCHEMA "public"'

function publicFindings(version: number, { serverVersion, fingerprint }: PostgresDetails): Finding[] {
  if (majorOf(serverVersion) >= CLOSED_SINCE || majorOf(version) < CLOSED_SINCE) return []
  if (fingerprint.objects.some(({ name }) => name === OWN_GRANTS)) return []
  return [
    {
      level: 'warning',
      subject: 'schema public',
      message: `lets only its owner create in it from PostgreSQL ${CLOSED_SINCE} on; until then everybody could`,
      hint: 'If the application makes tables there as another role: GRANT CREATE ON SCHEMA public TO that role, after the restore.',
    },
  ]
}

/** Whether there are tools that can restore this dump to a server of this version. */
export async function toolFindings(
  version: number,
  settings: PostgresSettings,
  details: PostgresDetails,
  context: Context,
): Promise<Finding[]> {
  try {
    return [floorFinding(await chooseRestoreTools(version, details, settings, context))]
  } catch (error) {
    context.signal.throwIfAborted()
    return [failedFinding('client tools', error)]
  }
}

async function localeFindings(admin: pg.Client, version: number, details: PostgresDetails): Promise<Finding[]> {
  const subject = `locale ${details.collate}`
  const { missing } = await chooseLocale(admin, details)
  if (missing !== undefined) {
    return [
      ...(await encodingFindings(admin, details)),
      {
        level: 'warning',
        subject,
        message: `${missing} is not on this server; its default is used, so text may sort otherwise`,
        hint: 'Install the locale on the server and restart it.',
      },
    ]
  }
  const actual = await collationVersion(admin, version, details)
  if (details.collationVersion === null || actual === null || actual === details.collationVersion)
    return [{ level: 'ok', subject, message: 'is on this server' }]
  return [
    {
      level: 'warning',
      subject,
      message: `has version ${actual} here and ${details.collationVersion} where it was captured: text may sort otherwise`,
    },
  ]
}

/** The default locale is for one encoding; only C and POSIX take any, and only SQL_ASCII goes with any. */
const FITS = `select datcollate::text as locale, pg_encoding_to_char(encoding) as encoding,
    (datcollate in ('C', 'POSIX') and datctype in ('C', 'POSIX')) or pg_encoding_to_char(encoding) = $1 or $1 = 'SQL_ASCII' as fits
  from pg_database where datname = 'template0'`

async function encodingFindings(admin: pg.Client, { encoding }: PostgresDetails): Promise<Finding[]> {
  const row = z.object({ locale: z.string(), encoding: z.string(), fits: z.boolean() })
  const [template] = await query(admin, row, FITS, [encoding])
  if (template === undefined || template.fits) return []
  return [
    {
      level: 'error',
      subject: `encoding ${encoding}`,
      message: `does not go with the server's default locale ${template.locale}, which is for ${template.encoding}`,
      hint: 'Install the locale of the restore point on the server and restart it.',
    },
  ]
}

/** Indexes are built anew by a restore, so another version is no damage. */
async function collationVersion(
  admin: pg.Client,
  version: number,
  { collate, localeProvider }: PostgresDetails,
): Promise<string | null> {
  if (version < 150_000) return null
  const sql = `select pg_database_collation_actual_version(oid) as version from pg_database where datcollate = $1 and datlocprovider = $2 limit 1`
  const rows = await query(admin, z.object({ version: z.string().nullable() }), sql, [
    collate,
    { libc: 'c', icu: 'i', builtin: 'b' }[localeProvider] ?? localeProvider,
  ])
  return rows[0]?.version ?? null
}

const extensionRow = z.object({
  name: z.string(),
  version: z.string(),
  present: z.boolean(),
  exact: z.boolean(),
})
const EXTENSIONS = `select w.name, w.version, count(v.name) > 0 as present, coalesce(bool_or(v.version = w.version), false) as exact
  from unnest($1::text[], $2::text[]) w(name, version) left join pg_available_extension_versions v on v.name = w.name group by 1, 2 order by 1`

/** Who may make them is a question of rights. */
async function extensionFindings(admin: pg.Client, details: PostgresDetails): Promise<Finding[]> {
  const rows = await readExtensions(admin, details)
  return rows.map(({ name, version, present, exact }): Finding => {
    const subject = `extension ${name}`
    if (!present)
      return {
        level: 'error',
        subject,
        message: 'is not installed on the server',
        hint: 'Install its package on the server.',
      }
    if (exact) return { level: 'ok', subject, message: `version ${version} is there` }
    return {
      level: 'warning',
      subject,
      message: `version ${version} is not there; the server's default version is used`,
    }
  })
}

async function readExtensions(
  admin: pg.Client,
  { fingerprint }: PostgresDetails,
): Promise<readonly z.infer<typeof extensionRow>[]> {
  const extensions = fingerprint.extensions.filter(({ name }) => name !== 'plpgsql')
  return await query(admin, extensionRow, EXTENSIONS, [
    extensions.map(({ name }) => name),
    extensions.map(({ version }) => version),
  ])
}

/** That a throw-away server lacks an extension says nothing of the data. Fails with `unsupported`. */
export async function requireTestable(admin: pg.Client, details: PostgresDetails): Promise<void> {
  const absent = (await readExtensions(admin, details)).filter(({ present }) => !present).map(({ name }) => name)
  if (absent.length === 0) return
  throw new Failure('unsupported', `not testable here: the throw-away server has no extension ${absent.join(', ')}`, {
    hint: 'Install their packages on this machine. Where the component is reached in a container, throwAwayServer: inside takes its image.',
  })
}

const lockRow = z.object({ perTransaction: z.number(), slots: z.number() })

/** A single transaction holds a lock on every object it makes, in a table of fixed size. */
export async function lockFinding(admin: pg.Client, { fingerprint }: PostgresDetails): Promise<Finding> {
  const sql = `select current_setting('max_locks_per_transaction')::int as "perTransaction",
    current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int as slots`
  const { perTransaction, slots } = await queryOne(admin, lockRow, sql)
  const objects = fingerprint.objects.length + fingerprint.largeObjects.length
  const message = `${objects} objects, room for ${perTransaction * slots} locks`
  if (objects < perTransaction * slots) return { level: 'ok', subject: 'locks', message }
  return {
    level: 'error',
    subject: 'locks',
    message,
    hint: 'Raise max_locks_per_transaction, or restore with swap, which needs no single transaction.',
  }
}
