import { dirname } from 'node:path'
import { Failure, isFailure, toFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { joinedTo, type Joined } from '../../../platforms/reached.ts'
import type { Place, RunningProgram } from '../../../platforms/place.ts'
import type { Spawned, Through } from '../../../platforms/through.ts'
import { retry } from '../../../system/retry.ts'
import { randomHex } from '../../../system/random.ts'
import { withSession, type Server } from '../connection/connection.ts'
import { majorOf, parseVersion } from '../versions.ts'
import { SUPERUSER } from './server-folder.ts'
import { THROW_AWAY, type ServerOptions } from './server-process.ts'
import type { ThrowAwayServer } from './where.ts'

/** A way into a container, of whose image others can be made. */
export type SpawningThrough = Pick<Through, 'name'> & { readonly spawn: NonNullable<Through['spawn']> }

const START_LIMIT = 60_000
const PROGRAM_LIMIT = 120_000
const PORT = 5432
const SETTLE = 10_000

/** Where images keep the programs, beside the folders of PATH. */
const foldersFor = (major: number): readonly string[] => [
  '',
  `/usr/lib/postgresql/${major}/bin/`,
  `/usr/pgsql-${major}/bin/`,
  '/usr/local/bin/',
  '/opt/bitnami/postgresql/bin/',
]

/**
 * Starts a PostgreSQL server in a container of its own, made of the image of the live one: nobody else can reach it, and
 * it ends with this process. Fails with `notFound` where the image has no server programs of this major.
 */
export async function startInside(
  through: SpawningThrough,
  options: ServerOptions & { readonly major: number },
): Promise<ThrowAwayServer> {
  const { context } = options
  const spawned = await context.effects.run('make container for a throw-away server', () => through.spawn(context))
  try {
    return await startIn(spawned, options)
  } catch (error) {
    // What led here says more than that the removal failed too.
    await spawned.remove().catch(() => undefined)
    throw error
  }
}

async function startIn(
  spawned: Spawned,
  options: ServerOptions & { readonly major: number },
): Promise<ThrowAwayServer> {
  const { context, major } = options
  const { place, folder } = spawned
  const { postgres, version } = await findPostgres(place, major, context)
  const password = new Secret(randomHex(24))
  await makeData(spawned, postgres, password, options)
  const program = await place.start([postgres, '-D', `${folder}/data`, ...settingsOf(folder, options)], context)
  program.stdout.resume()
  const ended = program.ended.then((code) => notRunning(place, program, code), toFailure)
  const door = { port: PORT, socket: `${folder}/.s.PGSQL.${PORT}` }
  const joined = await untilReady(ended, () => joinedTo(place, door, context), context)
  const own = {
    user: options.superuser ?? SUPERUSER,
    password,
    tls: 'disable',
    tlsCa: undefined,
    through: undefined,
  } as const
  const server: Server = { host: joined.folder, port: joined.port, ...own }
  try {
    await untilReady(ended, () => withSession(server, 'postgres', context, () => Promise.resolve()), context)
  } catch (error) {
    // A socket that still listens would keep this process alive.
    await joined.close()
    program.stop()
    throw error
  }
  return { server, version, stop: () => end(joined, program, spawned) }
}

async function end(joined: Joined, program: RunningProgram, spawned: Spawned): Promise<void> {
  await joined.close()
  program.stop()
  await spawned.remove()
}

interface Programs {
  readonly postgres: string
  readonly version: number
}

async function findPostgres(place: Place, major: number, context: Context): Promise<Programs> {
  for (const folder of foldersFor(major)) {
    const postgres = `${folder}postgres`
    try {
      const ask = (): Promise<string> => printed(place, [postgres, '--version'], '', context)
      const version = parseVersion(await again(ask, context))
      if (version !== undefined && majorOf(version) >= major) return { postgres, version }
    } catch (error) {
      if (!isFailure(error, 'notFound')) throw error
    }
  }
  throw new Failure('notFound', `no server programs of PostgreSQL ${major} are in ${place.name}`, {
    hint: `Install them on this machine (Debian: postgresql-${major}), and write throwAwayServer: here.`,
  })
}

/** A container that has just begun to run may cut the first connection. */
function again<Result>(act: () => Promise<Result>, context: Context): Promise<Result> {
  const mayRetry = (error: unknown): boolean => isFailure(error, 'unreachable')
  return retry(act, { ...context, limit: SETTLE, pause: () => 500, mayRetry })
}

/** The password goes by standard input: arguments can be read by others. */
async function makeData(
  { place, folder }: Spawned,
  postgres: string,
  password: Secret,
  { superuser = SUPERUSER, encoding = 'UTF8', locale, context }: ServerOptions,
): Promise<void> {
  const initdb = postgres.includes('/') ? `${dirname(postgres)}/initdb` : 'initdb'
  const made = [`--encoding=${encoding}`, `--locale=${locale ?? (encoding === 'UTF8' ? 'C.UTF-8' : 'C')}`]
  const login = [`--username=${superuser}`, '--auth=scram-sha-256', '--pwfile=/dev/stdin']
  const argv = [initdb, `--pgdata=${folder}/data`, ...made, ...login, '--no-sync', '--no-instructions'] as const
  await context.effects.run('initdb inside', () => printed(place, argv, `${password.reveal()}\n`, context))
}

function settingsOf(folder: string, { settings }: ServerOptions): readonly string[] {
  const all = { ...THROW_AWAY, ...settings, unix_socket_directories: folder }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** What a program prints. Fails with `toolFailed` and its last words. */
async function printed(
  place: Place,
  argv: readonly [string, ...string[]],
  input: string,
  context: Context,
): Promise<string> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PROGRAM_LIMIT)])
  const program = await place.start(argv, { ...context, signal })
  program.stdin.end(input)
  const chunks: Buffer[] = []
  program.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await program.ended
  if (code === 0) return Buffer.concat(chunks).toString('utf8')
  throw notRunning(place, program, code)
}

function notRunning({ name }: Place, program: RunningProgram, code: number): Failure {
  const said = program.stderr().trim().slice(-500)
  return new Failure('toolFailed', `the throw-away server in ${name} ended with ${code}: ${said}`, {
    facts: { environment: true },
  })
}

/** A server that starts refuses at first. */
async function untilReady<Result>(
  ended: Promise<Failure>,
  act: () => Promise<Result>,
  { clock, signal }: Context,
): Promise<Result> {
  const deadline = clock.monotonic() + START_LIMIT
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (signal.aborted || clock.monotonic() > deadline) throw error
      const early = await Promise.race([ended, clock.sleep(200, signal)])
      if (early !== undefined) throw early
    }
  }
}
