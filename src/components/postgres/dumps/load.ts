import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { SecretReference } from '../../../system/secret-reference.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import type { DumpOrigin, DumpRequest, LoadedDump } from '../../capabilities/dumps.ts'
import { identifier, withSession } from '../connection/connection.ts'
import { loadDump } from '../plain-sql/load/load-dump.ts'
import type { Loaded } from '../plain-sql/load/load-dump.ts'
import { readOutline } from '../plain-sql/outline.ts'
import type { DumpedDatabase, DumpOutline } from '../plain-sql/outline.ts'
import { DumpRoles, EVERYONE, LOADER, SUPERUSER } from '../plain-sql/roles.ts'
import { requireRoom } from '../restore/preflight/preflight-disk.ts'
import { NO_PASSWORDS } from '../not-captured.ts'
import { query } from '../connection/query.ts'
import { RAW } from '../roles/role-encoding.ts'
import { writeRolePasswords } from '../roles/role-passwords.ts'
import type { RolePasswords } from '../roles/role-passwords.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { limitsOf } from '../tools/tool-run.ts'
import { FIRST_WITH_NEW_SETTINGS } from '../tools/tools-restore.ts'
import { majorOf } from '../versions.ts'
import { assertUnchanged } from './files/dump-file.ts'
import { openDumpText } from './files/dump-text.ts'
import type { DumpText } from './files/dump-text.ts'
import { proveLoaded } from './loaded-proof.ts'
import type { LeftOut } from './loaded-proof.ts'
import { createDatabase, defaultLocale, startThrowAway } from './throw-away.ts'
import type { ThrowAway } from './throw-away.ts'

type LoadedPostgres = LoadedDump<PostgresSettings, PostgresDetails>

/** Reads the dump twice: to its end before anything runs, and then to run it on a server that is thrown away. */
export async function loadDumpFile(
  settings: PostgresSettings,
  request: DumpRequest,
  context: Context,
): Promise<LoadedPostgres> {
  const { totalLimit } = limitsOf(settings)
  // A timer cannot wait longer than this.
  const deadline = AbortSignal.timeout(Math.min(totalLimit, 2 ** 31 - 1))
  const signal = AbortSignal.any([context.signal, deadline])
  try {
    return await readAndLoad(settings, request, { ...context, signal }, context)
  } catch (error) {
    // What was interrupted fails in its own way; why says more.
    if (context.signal.aborted) throw new Failure('cancelled', 'the import was cancelled', { cause: error })
    if (!deadline.aborted) throw error
    throw new Failure('toolFailed', `loading ${request.path} took longer than ${totalLimit / 1000} s`, {
      cause: error,
      hint: 'Set totalLimitSeconds of the component higher.',
    })
  }
}

/** The server and what ends it must outlive a deadline, so they have the operator's context. */
async function readAndLoad(
  settings: PostgresSettings,
  request: DumpRequest,
  limited: Context,
  context: Context,
): Promise<LoadedPostgres> {
  const text = await openDumpText(settings, request, limited)
  const outline = await readOutline(text.outline())
  const chosen = chooseDatabase(outline, settings, request)
  // The text of an archive's rows was not read; they take more room than the archive.
  await requireRoom(request.scratchFolder, Math.max(outline.bytes, text.file.bytes))
  const server = await startThrowAway({ ...request, major: outline.major, encoding: encodingOf(chosen) }, context)
  warnOfMajor(majorOf(server.version), context)
  try {
    return await fill({ settings, request, text, chosen, server }, limited)
  } catch (error) {
    await server.close()
    throw error
  }
}

/** The point is captured from this server, and that decides where it can go. */
function warnOfMajor(major: number, context: Context): void {
  if (major < FIRST_WITH_NEW_SETTINGS) return
  const message = `the dump is loaded with PostgreSQL ${major}: its restore point cannot be restored to a server older than ${FIRST_WITH_NEW_SETTINGS}`
  context.progress({ type: 'warning', message })
}

interface Filling {
  readonly settings: PostgresSettings
  readonly request: DumpRequest
  readonly text: DumpText
  readonly chosen: DumpedDatabase
  readonly server: ThrowAway
}

async function fill(filling: Filling, context: Context): Promise<LoadedPostgres> {
  const { settings, request, text, chosen, server } = filling
  const database = chosen.name ?? settings.database
  context.progress({ type: 'phase', phase: 'load', detail: `${text.file.name} into a throw-away server` })
  const locale = await createDatabase(server, creationOf(chosen, database), context)
  const roles = new DumpRoles(server.admin, request.trusted)
  const target = { loader: server.loader, superuser: server.superuser, database, roles, part: chosen.name }
  const loaded = await context.effects.run('load dump', () => loadDump(text.whole(), target, context))
  const left = await proveWhole(filling, database, loaded, context)
  await context.effects.run('sql import ownership', () => settle(filling, database, roles, loaded, context))
  await assertUnchanged(text.file, context)
  const { sha256, bytes, name } = text.file
  const origin = {
    format: request.format,
    source: request.name ?? name,
    sha256,
    bytes,
    database: chosen.name,
    trusted: request.trusted,
  }
  return {
    settings: settingsFor(settings, server, database),
    origin,
    complete: (captured, sink) => {
      const passwords = passwordsFor(captured.details, request, roles)
      return completed(captured, { origin, missing: [...left, ...missingFrom(chosen, roles, locale)], passwords }, sink)
    },
    close: () => server.close(),
  }
}

/** Plain sentences: what the dump does not hold, and what nothing proves. */
async function proveWhole(
  { request, text, chosen, server }: Filling,
  database: string,
  { dumped }: Loaded,
  context: Context,
): Promise<readonly string[]> {
  context.progress({ type: 'phase', phase: 'count', detail: `what was loaded of ${text.file.name}` })
  const place = { server: server.superuser, database, encoding: chosen.encoding, archive: text.archive }
  const left = await proveLoaded(place, dumped, context)
  if (left.withoutRows.length > 0 && request.withoutRows !== true) throw lacksRows(request.path, left)
  return [...left.withoutRows, ...left.unfilled, ...(text.archive?.unproven ?? [])]
}

const HOW_IT_WAS_MADE = 'pg_dump was told to leave rows out, as by --schema-only and --exclude-table-data.'

function lacksRows(path: string, { withoutRows }: LeftOut): Failure {
  return new Failure('refused', `${path} does not hold all of its database: ${withoutRows.join('; ')}`, {
    facts: { accept: 'without-rows', lacking: withoutRows.join('; ') },
    hint: `${HOW_IT_WAS_MADE} Make it with all rows, or add --accept without-rows: the restore point names what it lacks.`,
  })
}

function encodingOf(database: DumpedDatabase): string {
  const encoding = database.creation?.encoding ?? database.encoding
  return encoding === RAW ? 'UTF8' : encoding
}

function creationOf(
  { creation, encoding }: DumpedDatabase,
  name: string,
): { name: string; encoding: string; locale: string } {
  return { name, ...(creation ?? { encoding, locale: defaultLocale(encoding) }) }
}

/** What the loading role owns goes to the owner of the database, and nothing of the loading is left. */
async function settle(
  filling: Filling,
  database: string,
  roles: DumpRoles,
  loaded: Loaded,
  context: Context,
): Promise<void> {
  const { settings, server } = filling
  const owner = loaded.owner ?? (await withSession(server.loader, database, context, mainOwner)) ?? settings.user
  await roles.ensure(owner)
  await query(server.admin, z.unknown(), `alter database ${identifier(database)} owner to ${identifier(owner)}`)
  await withSession(server.superuser, database, context, async (admin) => {
    await query(admin, z.unknown(), `drop owned by ${EVERYONE}`)
  })
  await withSession(server.loader, database, context, async (session) => {
    await query(session, z.unknown(), `reassign owned by ${LOADER} to ${identifier(owner)}`)
  })
  await roles.finish(database)
}

async function mainOwner(session: Parameters<typeof query>[0]): Promise<string | undefined> {
  const sql = `select pg_get_userbyid(relowner)::text as owner from pg_catalog.pg_class
    where relkind in ('r', 'p') and oid >= 16384 and pg_get_userbyid(relowner) <> '${LOADER}' group by 1 order by count(*) desc, 1 limit 1`
  return (await query(session, z.object({ owner: z.string() }), sql))[0]?.owner
}

function chooseDatabase(outline: DumpOutline, settings: PostgresSettings, request: DumpRequest): DumpedDatabase {
  const { databases } = outline
  const [only] = databases
  const wanted = request.database ?? (outline.isCluster ? settings.database : undefined)
  if (wanted === undefined && only !== undefined) return only
  const found = databases.find(({ name }) => name === wanted)
  if (found !== undefined) return found
  const names = databases.map(({ name }) => name ?? 'one that it does not name').join(', ')
  throw new Failure('notFound', `${request.path} has no database ${wanted ?? ''}`, {
    hint: `It has: ${names}. Name one with --database.`,
    facts: { databases: names },
  })
}

function settingsFor(settings: PostgresSettings, { loader, password }: ThrowAway, database: string): PostgresSettings {
  const { host, port, user, tls, tlsCa } = loader
  // The way into the container of the live server would lead past the address of this one.
  const { restoreUser: _user, restorePassword: _password, reach: _reach, through: _through, ...rest } = settings
  return {
    ...rest,
    // Of the live database. What somebody gave is taken whole.
    withoutRows: [],
    host,
    port,
    user,
    tls,
    tlsCa,
    database,
    password: new SecretReference('literal', password.reveal()),
  }
}

interface FromDump {
  readonly origin: DumpOrigin
  readonly missing: readonly string[]
  readonly passwords: RolePasswords
}

async function completed(
  captured: Captured<PostgresDetails>,
  { origin, missing, passwords }: FromDump,
  sink: ArtifactSink,
): Promise<Captured<PostgresDetails>> {
  const roles = captured.details.roles.filter(({ name }) => name !== SUPERUSER && name !== LOADER)
  const bare = roles.filter(({ name, attributes }) => attributes.login && !passwords.has(name)).map(({ name }) => name)
  if (passwords.size > 0) await writeRolePasswords(passwords, sink)
  return {
    details: {
      ...captured.details,
      roles,
      imported: origin,
      ...(passwords.size > 0 ? { rolePasswords: [...passwords.keys()] } : {}),
    },
    notCaptured: [
      ...captured.notCaptured.filter((sentence) => !sentence.startsWith(NO_PASSWORDS)).flatMap(withoutLoader),
      ...missing,
      ...(bare.length > 0 ? [`passwords of roles: ${bare.join(', ')}`] : []),
    ],
    onPurpose: captured.onPurpose,
  }
}

/** Those of roles that this database has to do with. */
function passwordsFor({ roles }: PostgresDetails, { withPasswords }: DumpRequest, dumped: DumpRoles): RolePasswords {
  const names = new Set(withPasswords ? roles.map(({ name }) => name) : [])
  return new Map([...dumped.passwords].filter(([name]) => names.has(name)))
}

/** Our own role is nothing that the dump had. */
function withoutLoader(sentence: string): string[] {
  if (sentence.endsWith(`: ${LOADER}.`)) return []
  return [sentence.replace(`${LOADER}, `, '').replace(`, ${LOADER}`, '')]
}

/** What a restore of the point will not bring back because the dump did not have it. */
function missingFrom({ creation, encoding }: DumpedDatabase, roles: DumpRoles, locale: string | undefined): string[] {
  const bare = [...roles.bare].sort().join(', ')
  return [
    ...(bare === '' ? [] : [`attributes and memberships of roles, of which the dump only has the names: ${bare}`]),
    ...(creation === undefined
      ? [`locale and settings of the database, which the dump does not say; encoding ${encoding}`]
      : []),
    ...(locale === undefined ? [] : [locale]),
    ...[...roles.withheld].map((role) => `membership in ${role}, which no import gives`),
  ]
}
