import { access, constants, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { matchingFolders, pathFolders } from '../../../system/process/program-folders.ts'
import { run } from '../../../system/process/run.ts'
import { closestVersion, describeVersion, isBelowFloor, majorOf, parseVersion } from '../versions.ts'

/** The client programs of one PostgreSQL installation. */
export interface Tools {
  readonly folder: string
  readonly major: number
  /** As `server_version_num`, for example 150018. */
  readonly version: number
  readonly versionText: string
  readonly pgDump: string
  readonly pgRestore: string
  /** Older than the first release without known holes. */
  readonly belowFloor: boolean
}

/** The server programs of one PostgreSQL installation. */
export interface ServerBinaries {
  readonly folder: string
  readonly major: number
  readonly version: number
  readonly versionText: string
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
}

/** Where distributions put PostgreSQL, after the folders of PATH. */
const USUAL_FOLDERS = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/libexec/postgresql*',
  '/usr/local/pgsql/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/opt/homebrew/opt/libpq/bin',
  '/usr/local/opt/postgresql@*/bin',
]
const VERSION_LIMIT = 10_000

/**
 * The client tools for a server: of its own major, else of the smallest newer one, since older ones cannot read it.
 * Fails with `notFound` when there are none at all and `unsupported` when all are older; both name what to install.
 */
export async function chooseTools(
  serverVersionNum: number,
  settings: { readonly toolsFolder?: string | undefined },
  context: Context,
): Promise<Tools> {
  const found = await findTools(settings.toolsFolder, context)
  return pickTools(found, majorOf(serverVersionNum), settings.toolsFolder)
}

/** The choice that `chooseTools` makes among what was found. */
export function pickTools(found: readonly Tools[], major: number, toolsFolder?: string): Tools {
  const where = toolsFolder === undefined ? '' : ` in ${toolsFolder}`
  const hint = `Install the client of PostgreSQL ${major} or newer (Debian: apt-get install postgresql-client-${major}) or set toolsFolder.`
  if (found.length === 0) throw new Failure('notFound', `no pg_dump and pg_restore found${where}`, { hint })
  const tools = closestVersion(found, major)
  if (tools !== undefined) return tools
  const versions = found.map((one) => `${describeVersion(one.version)} in ${one.folder}`).join(', ')
  throw new Failure(
    'unsupported',
    `all PostgreSQL client tools found${where} are older than the server's major ${major}: ${versions}`,
    { hint },
  )
}

/** All client tools of this machine, or only those of one folder. */
export async function findTools(toolsFolder: string | undefined, context: Context): Promise<readonly Tools[]> {
  const found = await findPrograms(toolsFolder, ['pg_dump', 'pg_restore'], context)
  return found.map(({ folder, version, versionText }) => ({
    folder,
    major: majorOf(version),
    version,
    versionText,
    pgDump: join(folder, 'pg_dump'),
    pgRestore: join(folder, 'pg_restore'),
    belowFloor: isBelowFloor(version),
  }))
}

/**
 * The server programs of this major, else of the smallest newer one; without a major the newest of all.
 * Fails with `notFound`, naming the package to install.
 */
export async function findServerBinaries(context: Context, major?: number): Promise<ServerBinaries> {
  const found = await findPrograms(undefined, ['postgres', 'initdb', 'pg_ctl'], context)
  const chosen = major === undefined ? found.toSorted((a, b) => b.version - a.version)[0] : closestVersion(found, major)
  if (chosen === undefined) {
    const wanted = major === undefined ? '' : ` ${major}`
    throw new Failure('notFound', `no PostgreSQL${wanted} server programs found`, {
      hint: `Install them (Debian: apt-get install postgresql${major === undefined ? '' : `-${major}`}).`,
    })
  }
  const { folder, version, versionText } = chosen
  return {
    folder,
    major: majorOf(version),
    version,
    versionText,
    initdb: join(folder, 'initdb'),
    postgres: join(folder, 'postgres'),
    pgCtl: join(folder, 'pg_ctl'),
  }
}

interface Installation {
  readonly folder: string
  readonly version: number
  readonly versionText: string
}

/** Installations that have all `programs`; the first of them tells the version. */
async function findPrograms(
  only: string | undefined,
  programs: readonly [string, ...string[]],
  context: Context,
): Promise<readonly Installation[]> {
  const candidates =
    only === undefined ? [...pathFolders(), ...(await Promise.all(USUAL_FOLDERS.map(matchingFolders))).flat()] : [only]
  const folders = new Set((await Promise.all(candidates.map((folder) => installationIn(folder, programs)))).flat())
  const found: Installation[] = []
  for (const folder of folders) {
    const versionText = await versionTextOf(join(folder, programs[0]), context)
    const version = parseVersion(versionText)
    if (version !== undefined) found.push({ folder, version, versionText })
  }
  return found
}

/**
 * The folder in which the programs really are, under their own names. Debian's `/usr/bin/pg_dump` is a link to a
 * script that chooses a version by itself, and beside that script there is no pg_dump.
 */
async function installationIn(folder: string, programs: readonly [string, ...string[]]): Promise<string[]> {
  try {
    const first = await realpath(join(folder, programs[0]))
    const home = dirname(first)
    for (const program of programs) await access(join(home, program), constants.X_OK)
    return [home]
  } catch {
    return [] // not an installation
  }
}

/** What a program prints about its version; empty for one that does not start, such as one built for another machine. */
async function versionTextOf(file: string, context: Context): Promise<string> {
  try {
    const result = await run({
      file,
      args: ['--version'],
      signal: context.signal,
      idleLimit: VERSION_LIMIT,
      totalLimit: VERSION_LIMIT,
    })
    return result.stdout.trim()
  } catch (error) {
    context.signal.throwIfAborted()
    context.progress({
      type: 'note',
      message: `ignored ${file}: ${error instanceof Error ? error.message : String(error)}`,
    })
    return ''
  }
}
