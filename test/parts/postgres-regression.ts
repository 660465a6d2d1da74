import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import type { Server } from '../../src/components/postgres/connection/connection.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { cacheFolder } from './postgres-versions.ts'
import { testContext } from './postgres.ts'

const execute = promisify(execFile)
const FETCH_LIMIT = 5 * 60_000
/** One file of PostgreSQL's own tests; those that wait for locks or sort millions of rows take long where cores are few. */
const FILE_LIMIT = 5 * 60_000
const LIBRARIES = ['src/test/regress/regress.c', 'src/test/modules/dummy_seclabel/dummy_seclabel.c']

/** PostgreSQL's own regression tests, as Debian has them, with the libraries they need compiled. */
export interface RegressionTests {
  readonly major: number
  readonly sources: string
  readonly libraries: string
}

/**
 * Fetches them once, from Debian's source package of this major, and compiles the libraries against Debian's headers of
 * the server. Needs a C compiler.
 */
export async function fetchRegressionTests(major: number): Promise<RegressionTests> {
  const folder = join(cacheFolder(), `postgres-${major}-regression`)
  if (!existsSync(folder)) await make(major, folder)
  return { major, sources: join(folder, 'source', 'src', 'test', 'regress'), libraries: join(folder, 'libraries') }
}

async function make(major: number, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(join(dirname(folder), '.regression-'))
  try {
    await unpackSource(major, unfinished)
    await compileLibraries(major, unfinished)
    await execute('chmod', ['-R', 'a+rX', unfinished])
    await rename(unfinished, folder)
  } catch (cause) {
    throw new Error(`the regression tests of PostgreSQL ${major} could not be had from Debian's sources`, { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Package lists of sources, apart from those of the machine, which seldom has any. */
async function unpackSource(major: number, folder: string): Promise<void> {
  const apt = join(folder, 'apt')
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true })
  const release = /VERSION_CODENAME=(\w+)/.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
  const list = join(apt, 'sources.list')
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
  await writeFile(list, `deb-src [signed-by=${keys}] http://deb.debian.org/debian ${release} main\n`)
  const settings = { 'Dir::State::lists': join(apt, 'lists'), 'Dir::Cache': apt, 'Dir::Etc::SourceList': list }
  const options = Object.entries({ ...settings, 'Dir::Etc::SourceParts': '/dev/null', 'APT::Sandbox::User': '' })
  const apts = (...args: string[]): Promise<unknown> =>
    execute('apt-get', ['-q', ...options.flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...args], {
      cwd: apt,
      timeout: FETCH_LIMIT,
    })
  await apts('update')
  await apts('source', '--download-only', `postgresql-${major}`)
  const archive = (await readdir(apt)).find((name) => /\.orig\.tar\./.test(name))
  if (archive === undefined) throw new Error('apt-get gave no source archive')
  const wanted = ['*/src/test/regress/*', '*/src/test/modules/dummy_seclabel/*']
  await mkdir(join(folder, 'source'))
  await execute('tar', [
    '-xf',
    join(apt, archive),
    '-C',
    join(folder, 'source'),
    '--strip-components=1',
    '--wildcards',
    ...wanted,
  ])
  await rm(apt, { recursive: true })
}

async function compileLibraries(major: number, folder: string): Promise<void> {
  const headers = join(folder, 'headers')
  await mkdir(headers)
  await mkdir(join(folder, 'libraries'))
  await execute('apt-get', ['-o', 'APT::Sandbox::User=', '-q', 'download', `postgresql-server-dev-${major}`], {
    cwd: headers,
  })
  for (const file of await readdir(headers)) await execute('dpkg', ['-x', join(headers, file), headers])
  for (const source of LIBRARIES) {
    const name = source.replace(/^.*\/(\w+)\.c$/, '$1.so')
    const include = join(headers, 'usr', 'include', 'postgresql', String(major), 'server')
    const args = [
      '-O1',
      '-fPIC',
      '-shared',
      `-I${include}`,
      '-o',
      join(folder, 'libraries', name),
      join(folder, 'source', source),
    ]
    await execute('cc', args)
  }
  await rm(headers, { recursive: true })
}

/** How pg_regress sets up the sessions of its tests. */
const SESSION = { PGTZ: 'PST8PDT', PGDATESTYLE: 'Postgres, MDY', PGOPTIONS: '-c intervalstyle=postgres_verbose' }

/**
 * Fills a database as the regression tests leave it. Their answers are not looked at: what counts is the objects that
 * they make, not whether the server is right.
 */
export async function runRegressionTests(
  tests: RegressionTests,
  server: Server,
  database: string,
  work: string,
): Promise<void> {
  await mkdir(join(work, 'results'), { recursive: true })
  const environment = {
    ...SESSION,
    PATH: process.env['PATH'] ?? '',
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: (await passwordOf(server)) ?? '',
    PG_ABS_SRCDIR: tests.sources,
    PG_ABS_BUILDDIR: work,
    PG_LIBDIR: tests.libraries,
    PG_DLSUFFIX: '.so',
  }
  // Debian's psql on the PATH is a script that looks for the real one each time.
  const { folder } = await chooseTools(tests.major * 10_000, {}, testContext())
  for (const name of await schedule(tests)) {
    const file = join(tests.sources, 'sql', `${name}.sql`)
    if (!existsSync(file)) continue
    await execute(join(folder, 'psql'), ['-X', '-q', '-o', '/dev/null', '-d', database, '-f', file], {
      env: environment,
      cwd: work,
      timeout: FILE_LIMIT,
      maxBuffer: 1e9,
    }).catch((error: unknown) => {
      // psql ends with 3 for a session that a test means to lose; a test that hangs is another matter.
      if (error instanceof Error && 'killed' in error && error.killed === true) throw error
    })
  }
}

/** In the order of the schedule, one after the other. `tablespace` needs a folder of the server. */
async function schedule({ sources }: RegressionTests): Promise<string[]> {
  const text = await readFile(join(sources, 'parallel_schedule'), 'utf8')
  const names = text.split('\n').flatMap((line) => (line.startsWith('test:') ? line.slice(5).trim().split(/\s+/) : []))
  return names.filter((name) => name !== 'tablespace')
}
