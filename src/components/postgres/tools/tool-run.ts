import { join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { makeNamelessFile } from '../../../system/files/anonymous-file.ts'
import { run, stream } from '../../../system/process/run.ts'
import type { RunOptions, RunResult } from '../../../system/process/run.ts'
import { makeTemporaryFolder, removeTemporaryFolder } from '../../../system/files/temporary-folder.ts'
import { addressOf, APPLICATION_NAME, databaseConninfo, passwordOf } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import { optionsText, readToolSettings } from './tool-settings.ts'
import type { Tools } from './tools.ts'
import type { SessionSettings } from '../connection/unhindered.ts'

export interface ToolLimits {
  /** Longest time without a byte on any stream of the program, in milliseconds. */
  readonly idleLimit: number
  readonly totalLimit: number
}

/** One run of a client program against one database of a server. */
export interface ToolCall {
  readonly tools: Tools
  readonly program: 'pg_dump' | 'pg_restore'
  /** Without connection options; those are added. */
  readonly args: readonly string[]
  /** Read by the program; comes behind all arguments. */
  readonly file?: string
  readonly server: Server
  readonly database: string
  readonly limits: ToolLimits
  /** Told what the program prints to its standard error, as it comes. */
  readonly onErrorText?: (text: string) => void
  /** Settings of the sessions that the program opens; when absent those that the server's own make necessary. */
  readonly settings?: SessionSettings
  /** Milliseconds that pg_dump waits for a table; as the server makes it necessary where `settings` are absent. */
  readonly lockWait?: number
}

const CONNECT_SECONDS = '15'

export function limitsOf(settings: {
  readonly idleLimitSeconds: number
  readonly totalLimitSeconds: number
}): ToolLimits {
  return { idleLimit: settings.idleLimitSeconds * 1000, totalLimit: settings.totalLimitSeconds * 1000 }
}

/**
 * Runs a client program to its end. It gets nothing of our environment and no file of the user's home; the password
 * goes through a private file without a name, which is gone even when this process is killed. Fails as `run` does.
 */
export async function runTool(call: ToolCall, context: Context, input?: Bytes): Promise<RunResult> {
  const prepared = await prepare(call, context)
  try {
    return await run(prepared.options, input)
  } finally {
    await prepared.close()
  }
}

/** Like `runTool`, with the program's output as a stream that throws at its end if the program failed. */
export async function* streamTool(call: ToolCall, context: Context, input?: Bytes): Bytes {
  const prepared = await prepare(call, context)
  try {
    yield* stream(prepared.options, input)
  } finally {
    await prepared.close()
  }
}

interface Prepared {
  readonly options: RunOptions
  readonly close: () => Promise<void>
}

async function prepare(asked: ToolCall, context: Context): Promise<Prepared> {
  const { settings } = asked
  const own = settings === undefined ? await readToolSettings(asked.server, asked.database, context) : { settings }
  const call = { ...asked, ...own }
  const password = await passwordOf(call.server)
  const passfile = await makeNamelessFile(oneLine(password === undefined ? '' : passfileLine(password)))
  // Stays empty: what libpq is told to look for in it is not there, and nobody else can put it there.
  const folder = await makeTemporaryFolder()
  const close = async (): Promise<void> => {
    await passfile.close()
    await removeTemporaryFolder(folder)
  }
  try {
    const server = { ...call.server, ...(await addressOf(call.server, context)) }
    return { options: optionsOf({ ...call, server }, { folder, passfile: passfile.path }, context), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function* oneLine(text: string): Bytes {
  yield await Promise.resolve(Buffer.from(text))
}

/** Where libpq finds the password, and where it finds nothing. */
interface ToolPlaces {
  readonly folder: string
  readonly passfile: string
}

type WithSettings = ToolCall & { readonly settings: SessionSettings }

function optionsOf(call: WithSettings, places: ToolPlaces, context: Context): RunOptions {
  return {
    file: call.program === 'pg_dump' ? call.tools.pgDump : call.tools.pgRestore,
    args: [
      ...call.args,
      ...waitOf(call),
      '--no-password',
      `--dbname=${databaseConninfo(call.database)}`,
      ...fileOf(call),
    ],
    environment: environmentOf(call, places),
    signal: context.signal,
    ...(call.onErrorText === undefined ? {} : { onErrorText: call.onErrorText }),
    ...call.limits,
  }
}

function waitOf({ program, lockWait }: ToolCall): readonly string[] {
  return program === 'pg_dump' && lockWait !== undefined ? [`--lock-wait-timeout=${lockWait}`] : []
}

function fileOf({ file }: ToolCall): readonly string[] {
  return file === undefined ? [] : ['--', file]
}

/**
 * Everything libpq would look up elsewhere is given, so that no file of the home folder changes who connects where:
 * a password file, a client certificate or a root certificate there would be used silently.
 */
function environmentOf(call: WithSettings, { folder, passfile }: ToolPlaces): Record<string, string> {
  const { server } = call
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSFILE: passfile,
    PGAPPNAME: APPLICATION_NAME,
    PGCONNECT_TIMEOUT: CONNECT_SECONDS,
    ...variable('PGOPTIONS', optionsText(call.settings)),
    ...variable('PGCLIENTENCODING', call.settings['client_encoding'] ?? ''),
    PGSSLMODE: server.tls,
    PGSSLROOTCERT: rootCertificate(call, folder),
    PGSSLCERT: join(folder, 'absent'),
    PGSSLKEY: join(folder, 'absent'),
    PGSSLCRL: join(folder, 'absent'),
    PGGSSENCMODE: 'disable',
  }
}

function variable(name: string, value: string): Record<string, string> {
  return value === '' ? {} : { [name]: value }
}

/** `require` does not look at the server's certificate, which libpq only believes if there is no root certificate. */
function rootCertificate({ server, tools }: ToolCall, folder: string): string {
  if (server.tls !== 'verify-full') return join(folder, 'absent')
  if (server.tlsCa !== undefined) return server.tlsCa
  if (tools.major >= 16) return 'system'
  throw new Failure('usage', `tls verify-full with client tools ${tools.major} needs tlsCa`, {
    hint: 'Set tlsCa to the file with the CA certificate, for example /etc/ssl/certs/ca-certificates.crt.',
  })
}

/** The line of a password file that holds for every connection. */
export function passfileLine(password: string): string {
  if (/[\r\n]/.test(password))
    throw new Failure('usage', 'a PostgreSQL password with a line break cannot be given to the client tools')
  return `*:*:*:*:${password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`
}
