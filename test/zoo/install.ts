import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../parts/postgres-versions.ts'
import type { Application, Packages } from './application.ts'

const execute = promisify(execFile)
const LIMIT = { timeout: 45 * 60_000, maxBuffer: 1e9 }
const UV = '0.13.9'
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
/** Written when all is there: an installation that was cut off is begun anew. */
const COMPLETE = '.complete'

export const zooCache = (): string => join(cacheFolder(), 'zoo')

/** Installs the packages of an application once, into the cache of the tests. Gives their folder. */
export async function install({ name, packages }: Application): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 8)
  const folder = join(zooCache(), `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${hash}`)
  if (existsSync(join(folder, COMPLETE))) return folder
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await installInto(folder, packages).catch((cause: unknown) => {
    throw new Error(`the packages of ${name} could not be installed: ${lastWords(cause)}`, { cause })
  })
  await writeFile(join(folder, COMPLETE), '')
  return folder
}

/** The folders of its programs. */
export function programFolders(installed: string, { registry }: Packages): string[] {
  if (registry === 'pypi') return [join(installed, 'bin')]
  if (registry === 'npm') return [join(installed, 'node_modules', '.bin'), dirname(process.execPath)]
  return registry === 'maven' ? globSync(join(installed, '*', 'bin')) : []
}

function installInto(folder: string, packages: Packages): Promise<void> {
  switch (packages.registry) {
    case 'pypi':
      return installPython(folder, packages)
    case 'npm':
      return installNpm(folder, packages)
    case 'maven':
      return installArchive(folder, packages.archive)
    case 'none':
      return Promise.resolve()
  }
}

async function installPython(folder: string, packages: Packages & { registry: 'pypi' }): Promise<void> {
  const uv = await findUv()
  await execute(uv, ['venv', '--quiet', '--python', findPython(packages.python), folder], LIMIT)
  const without = join(folder, 'without.txt')
  // A requirement that no version of Python meets.
  await writeFile(without, (packages.without ?? []).map((name) => `${name} ; python_version < '3'\n`).join(''))
  const where = ['--python', join(folder, 'bin', 'python'), '--override', without]
  await execute(uv, ['pip', 'install', '--quiet', '--system-certs', ...where, ...packages.wanted], LIMIT)
}

async function findUv(): Promise<string> {
  const folder = join(zooCache(), `uv-${UV}`)
  const program = join(folder, 'bin', 'uv')
  if (existsSync(program)) return program
  await execute('python3', ['-m', 'venv', folder], LIMIT)
  await execute(join(folder, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', `uv==${UV}`], LIMIT)
  return program
}

/** One that the machine has, where pyenv keeps them or on the PATH; none is downloaded. */
function findPython(versions: readonly string[]): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('shims'))
  for (const version of versions) {
    const pyenv = globSync(join(homedir(), '.pyenv', 'versions', `${version}.*`, 'bin'))
    const found = [...pyenv, ...onPath]
      .map((folder) => join(folder, `python${version}`))
      .find((file) => existsSync(file))
    if (found !== undefined) return found
  }
  throw new Error(`this machine has no Python ${versions.join(' or ')}`)
}

async function installNpm(folder: string, packages: Packages & { registry: 'npm' }): Promise<void> {
  const { wanted, overrides = {} } = packages
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: wanted, overrides }))
  // Install scripts would fetch programs from elsewhere, or compile; what packages bring ready-made is enough.
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) }
  await execute('npm', args, { ...LIMIT, cwd: folder, env })
}

/** An archive of Maven Central, unpacked. */
async function installArchive(folder: string, archive: string): Promise<void> {
  const copy = [`${DEPENDENCY_PLUGIN}:copy`, `-Dartifact=${archive}`, `-DoutputDirectory=${folder}`]
  await execute('mvn', ['-q', '-B', ...copy], LIMIT)
  for (const file of await readdir(folder)) {
    await execute('python3', ['-m', 'zipfile', '-e', join(folder, file), folder], LIMIT)
    await rm(join(folder, file))
  }
  // zipfile forgets what is a program.
  await execute('chmod', ['-R', 'a+x', ...globSync(join(folder, '*', 'bin'))])
}

/** What a program printed before it failed. */
function lastWords(error: unknown): string {
  const printed = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  return `${error instanceof Error ? error.message.split('\n')[0] : String(error)} ${printed.slice(-2000)}`.trim()
}
