import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import { run, stream } from '../../system/run.ts'
import type { RunOptions, RunResult } from '../../system/run.ts'
import { makeTemporaryFolder, withTemporaryFolder } from '../../system/temporary-folder.ts'
import { APPLICATION_NAME, databaseConninfo, passwordOf } from './connection.ts'
import type { Server } from './connection.ts'
import type { Tools } from './tools.ts'

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
  /** Settings of the sessions that the program opens. */
  readonly settings?: SessionSettings
}

/** Settings of the server by name, for one session. */
export type SessionSettings = Readonly<Record<string, string>>

const CONNECT_SECONDS = '15'

export function limitsOf(settings: {
  readonly idleLimitSeconds: number
  readonly totalLimitSeconds: number
}): ToolLimits {
  return { idleLimit: settings.idleLimitSeconds * 1000, totalLimit: settings.totalLimitSeconds * 1000 }
}

/**
 * Runs a client program to its end. It gets nothing of our environment and no file of the user's home; the password
 * goes through a private file that is removed again whatever happens. Fails as `run` does.
 */
export async function runTool(call: ToolCall, context: Context, input?: Bytes): Promise<RunResult> {
  return withTemporaryFolder(async (folder) => run(await prepare(call, folder, context), input))
}

/** Like `runTool`, with the program's output as a stream that throws at its end if the program failed. */
export async function* streamTool(call: ToolCall, context: Context, input?: Bytes): Bytes {
  const folder = await makeTemporaryFolder()
  try {
    yield* stream(await prepare(call, folder, context), input)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function prepare(call: ToolCall, folder: string, context: Context): Promise<RunOptions> {
  return {
    file: call.program === 'pg_dump' ? call.tools.pgDump : call.tools.pgRestore,
    args: [...call.args, '--no-password', `--dbname=${databaseConninfo(call.database)}`, ...fileOf(call)],
    environment: await environmentOf(call, folder),
    signal: context.signal,
    ...call.limits,
  }
}

function fileOf({ file }: ToolCall): readonly string[] {
  return file === undefined ? [] : ['--', file]
}

/**
 * Everything libpq would look up elsewhere is given, so that no file of the home folder changes who connects where:
 * a password file, a client certificate or a root certificate there would be used silently.
 */
async function environmentOf(call: ToolCall, folder: string): Promise<Record<string, string>> {
  const { server } = call
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSFILE: await writePassfile(folder, await passwordOf(server)),
    PGAPPNAME: APPLICATION_NAME,
    PGCONNECT_TIMEOUT: CONNECT_SECONDS,
    ...(call.settings === undefined ? {} : { PGOPTIONS: optionsText(call.settings) }),
    PGSSLMODE: server.tls,
    PGSSLROOTCERT: rootCertificate(call, folder),
    PGSSLCERT: join(folder, 'absent'),
    PGSSLKEY: join(folder, 'absent'),
    PGSSLCRL: join(folder, 'absent'),
    PGGSSENCMODE: 'disable',
  }
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

/** As the server reads options: a blank or backslash in a value has a backslash before it. */
export function optionsText(settings: SessionSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ')
}

async function writePassfile(folder: string, password: string | undefined): Promise<string> {
  const file = join(folder, 'pgpass')
  const line = password === undefined ? '' : passfileLine(password)
  await writeFile(file, line, { mode: 0o600, flag: 'wx' })
  return file
}

/** The line of a password file that holds for every connection. */
export function passfileLine(password: string): string {
  if (/[\r\n]/.test(password))
    throw new Failure('usage', 'a PostgreSQL password with a line break cannot be given to the client tools')
  return `*:*:*:*:${password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`
}
