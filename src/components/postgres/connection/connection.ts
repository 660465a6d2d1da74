import { readFile } from 'node:fs/promises'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import type { ClientConfig } from 'pg'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import type { SecretReference } from '../../../system/secret-reference.ts'
import type { FarEnd, Through } from '../../../platforms/through.ts'
import { nothingThere } from '../../nothing-there.ts'
import { faultOfCode, type EnvironmentFault } from '../../../core/environment-fault.ts'
import { placeOf } from '../place-of.ts'
import { carryRawBytes } from './raw-session.ts'
import { ReadingSocket } from './reading-socket.ts'
import { liftLimits } from './unhindered.ts'

/** One PostgreSQL server and the role to use there. */
export interface Server {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: SecretReference | Secret | undefined
  readonly tls: 'disable' | 'require' | 'verify-full'
  readonly tlsCa: string | undefined
  /** The way to it, where this host does not reach it by `host` and `port`. */
  readonly through: Through | undefined
}

const CONNECT_LIMIT = 15_000

/** Sessions with this name are ours; a later run ends what a dead one left behind. */
export const APPLICATION_NAME = 'holdfast'

/**
 * Opens one session with settings under which every value has one text form: UTC, ISO dates, hexadecimal bytea, shortest
 * exact floats, no search path. Nothing is compiled for it: each table is read by a statement of its own, once, and compiling
 * that took a fifth of a fingerprint. The session ends when the context's signal fires.
 */
export async function connect(server: Server, database: string, context: Context): Promise<Client> {
  const client = await connectAsIs(server, database, context)
  try {
    await liftLimits(client, CONNECT_LIMIT)
    await client.query(LIMITED_PINNED)
    const { rows } = await client.query<{ readonly raw: boolean }>(IS_RAW)
    if (rows[0]?.raw === true) await carryRawBytes(client)
    return client
  } catch (cause) {
    void client.end().catch(() => {})
    throw connectFailure(server, database, cause)
  }
}

/**
 * Opens one session and changes no setting of it: it may be one that a pooler gives to others afterwards. `options` are those
 * that a client program would be given, which a pooler may refuse.
 */
export async function connectAsIs(
  server: Server,
  database: string,
  context: Context,
  options?: string,
): Promise<Client> {
  const password = await passwordOf(server)
  const { host, port, tls, tlsCa } = await addressOf(server, context)
  const client = new Client({
    host,
    port,
    user: server.user,
    database,
    // As a function even if there is none: without one the driver would take PGPASSWORD or a .pgpass of our own user.
    password: async () => password ?? '',
    ssl: await tlsOf({ tls, tlsCa }),
    application_name: APPLICATION_NAME,
    ...(options === undefined ? {} : { options }),
    connectionTimeoutMillis: CONNECT_LIMIT,
    keepAlive: true,
    // An encrypted connection needs a stream of Node's own kind.
    ...(tls === 'disable' ? { stream: () => new ReadingSocket() } : {}),
  })
  // A session that the server ends rejects the query in flight; without a listener it would also end the process.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    void client.end().catch(() => {})
    throw connectFailure(server, database, cause)
  }
  const stop = (): void => void client.end().catch(() => {})
  context.signal.addEventListener('abort', stop, { once: true })
  client.once('end', () => context.signal.removeEventListener('abort', stop))
  return client
}

/**
 * Also what a role or a database may have been given (ALTER … SET): limits that would end a long session, and settings that
 * read or write names and literals otherwise. CHECK constraints are not looked at to plan a statement, as that evaluates them.
 */
const PINNED = `set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';
  set extra_float_digits = 1; set bytea_output = 'hex'; set lc_monetary = 'C'; set xmloption = 'content';
  set standard_conforming_strings = on; set quote_all_identifiers = off; set statement_timeout = 0; set lock_timeout = 0;
  set idle_in_transaction_session_timeout = 0; set row_security = off; set jit = off; set constraint_exclusion = off;
  select set_config(name, '0', false) from pg_settings where name in ('transaction_timeout', 'idle_session_timeout')`
const IS_RAW = `select current_setting('server_encoding') = 'SQL_ASCII' as raw`
/** A pooler takes a connection at once and makes its first statement wait until a session is free. */
const LIMITED_PINNED = { text: PINNED, query_timeout: CONNECT_LIMIT }

/** Runs `act` in a session that is closed afterwards, whatever happens. */
export async function withSession<Result>(
  server: Server,
  database: string,
  context: Context,
  act: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await connect(server, database, context)
  try {
    return await act(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The password as libpq tools and the driver need it, read now. */
export async function passwordOf(server: Server): Promise<string | undefined> {
  if (server.password === undefined) return undefined
  return 'reveal' in server.password ? server.password.reveal() : (await server.password.resolve()).reveal()
}

/** What a session or tool connects to. At the local socket nobody speaks TLS: the way to the server does. */
export async function addressOf(
  server: Server,
  context: Context,
): Promise<Pick<Server, 'host' | 'port' | 'tls' | 'tlsCa'>> {
  const { host, port, tls, tlsCa, through } = server
  if (through === undefined) return { host, port, tls, tlsCa }
  const local = await through.open(await farEndOf(server), context)
  return { host: local.folder, port: local.port, tls: 'disable', tlsCa: undefined }
}

/** `host` is no more than the name that the certificate must have. */
async function farEndOf({ host, port, tls, tlsCa }: Server): Promise<FarEnd> {
  const far = { protocol: 'postgres', defaultPort: port } as const
  if (tls === 'disable') return far
  const ca = tlsCa === undefined ? {} : { ca: await readFile(tlsCa, 'utf8') }
  return { ...far, tls: { mode: tls, serverName: host, ...ca } }
}

/** How the server is reached, in words. */
export async function wayTo(server: Server, context: Context): Promise<string> {
  if (server.through === undefined) return `reached at ${placeOf(server)}`
  const { way } = await server.through.open(await farEndOf(server), context)
  return `reached at ${placeOf(server)}: ${way}`
}

async function tlsOf(server: Pick<Server, 'tls' | 'tlsCa'>): Promise<ClientConfig['ssl']> {
  if (server.tls === 'disable') return false
  const ca = server.tlsCa === undefined ? {} : { ca: await readFile(server.tlsCa, 'utf8') }
  return { ...ca, rejectUnauthorized: server.tls === 'verify-full' }
}

/** What is used up here or there. A missing server looks like a missing file where it listens on a socket, and is none. */
function limitOf(code: string): EnvironmentFault | undefined {
  const fault = faultOfCode(code)
  return fault?.kind === 'refused' || code === '53300' ? fault : undefined
}

/** A connection by a way that broke says no more than that it was cut; the way knows why. */
function wordsOf(cause: unknown, code: string, { through }: Server): string {
  const broken = code === 'ECONNRESET' || code === '' ? through?.lastFailure() : undefined
  return broken?.message ?? (cause instanceof Error ? cause.message : String(cause))
}

function connectFailure(server: Server, database: string, cause: unknown): Failure {
  const where = `database ${database} on ${placeOf(server)} as ${server.user}`
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const message = wordsOf(cause, code, server)
  if (code === '3D000')
    return nothingThere(`${where} does not exist`, {
      cause,
      hint: 'Correct the name in the configuration. If the database is lost, holdfast restore makes it again.',
    })
  if (code.startsWith('28') || code === '42501' || message.startsWith('SASL'))
    return new Failure('denied', `${where} refused the login: ${message}`, {
      cause,
      hint: 'Check user and password, and pg_hba.conf of the server.',
    })
  const fault = limitOf(code)
  if (fault !== undefined)
    return new Failure(fault.kind, `${where} cannot be reached: ${message}`, { cause, hint: fault.hint })
  if (code === '55000') return new Failure('refused', `${where} does not accept connections: ${message}`, { cause })
  return new Failure('unreachable', `${where} cannot be reached: ${message || code}`, {
    cause,
    hint: UNRESOLVED.includes(code) ? UNRESOLVED_HINT : 'Check that the server runs and that host and port are right.',
  })
}

/** What the resolver of names says of a host that it does not know. */
const UNRESOLVED = ['ENOTFOUND', 'EAI_AGAIN']
const UNRESOLVED_HINT =
  'This host does not know that name. A name that only containers know needs a published port: write its host and port into the configuration, also beside from.'

/** `name` as an SQL identifier. */
export function identifier(name: string): string {
  return escapeIdentifier(name)
}

/** `text` as an SQL literal. */
export function literal(text: string): string {
  return escapeLiteral(text)
}

/**
 * A conninfo that names a database and nothing else. libpq takes a bare name that contains `=` or starts like a URL for
 * connection settings and would connect elsewhere, so names always go through here.
 */
export function databaseConninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
