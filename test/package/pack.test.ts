import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runQuietly } from '../../scripts/run.ts'

const root = join(import.meta.dirname, '..', '..')
// A clone has nothing else that matters to a package; the tests and their data would only take time to copy.
const PACKED = [
  'bin',
  'docs',
  'scripts',
  'src',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
const OPTIONAL = ['README.md', 'CHANGELOG.md']

let folder = ''
let installed = ''
let tarball = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-package-'))
  tarball = await pack(await cloneOf(join(folder, 'clone')), folder)
  installed = join(folder, 'installed')
  await install(tarball, installed)
})
after(() => rm(folder, { recursive: true, force: true }))

async function cloneOf(clone: string): Promise<string> {
  await mkdir(join(clone, 'node_modules'), { recursive: true })
  const there = new Set(await readdir(root))
  for (const name of [...PACKED, ...OPTIONAL.filter((name) => there.has(name))]) {
    await cp(join(root, name), join(clone, name), { recursive: true })
  }
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '.holdfast-lockfile')
      await symlink(join(root, 'node_modules', name), join(clone, 'node_modules', name))
  }
  // Says that the packages are installed, so that scripts/start.cjs does not install them through the links.
  const lockfile = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex')
  await writeFile(join(clone, 'node_modules', '.holdfast-lockfile'), lockfile)
  return clone
}

async function pack(clone: string, into: string): Promise<string> {
  await succeeds('npm', ['--prefix', clone, 'pack', clone, '--silent', '--pack-destination', into])
  const tarball = (await readdir(into)).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball, 'npm pack made no tarball')
  return join(into, tarball)
}

/** As a user would, and with nothing from this clone in reach. */
async function install(tarball: string, into: string): Promise<void> {
  await mkdir(into)
  await writeFile(join(into, 'package.json'), '{"name":"fresh","private":true}')
  await installs('npm', [
    '--prefix',
    into,
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    tarball,
  ])
}

/** Once in a while npm waits for nothing after it has read its cache, and does not end by SIGTERM: it is killed, and tried again. */
async function installs(file: string, args: readonly string[]): Promise<void> {
  const limited = ['--kill-after=5', '180', file, ...args]
  const { code } = await runQuietly('timeout', limited)
  if (code !== 0) await succeeds('timeout', limited)
}

async function succeeds(file: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runQuietly(file, args)
  assert.equal(code, 0, `${file} ${args.join(' ')}:\n${output}`)
}

/** Starts the installed program by its first line, that is with the machine's own node, old or new. */
async function holdfast(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const environment = {
    HOLDFAST_CONFIG: join(folder, 'holdfast.yaml'),
    HOLDFAST_PASSWORD: 'correct horse battery staple',
    XDG_STATE_HOME: folder,
  }
  return await runQuietly(join(installed, 'node_modules', '.bin', 'holdfast'), args, environment)
}

test('the package holds compiled code, the recovery files and the documents, and no sources', async () => {
  const content = join(installed, 'node_modules', 'holdfast')
  const files = await readdir(content, { recursive: true })
  for (const name of [
    'bin/holdfast',
    'bin/node.cjs',
    'dist/main.js',
    'docs/reference/format.md',
    'dist/repository/recovery/recover.py',
    'dist/repository/recovery/README.txt',
  ]) {
    assert.ok(files.includes(name), `${name} is not in the package`)
  }
  assert.deepEqual(
    files.filter((name) => /\.ts$|^src\b|^test\b|^scripts\b|\/testing\/|\.test\./.test(name)),
    [],
  )
})

test('no development package is installed with it', async () => {
  const packages = await readdir(join(installed, 'node_modules'))
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  assert.deepEqual(
    Object.keys(manifest.devDependencies).filter((name) => packages.includes(name)),
    [],
  )
})

test('it tells its version and its commands', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.deepEqual(await holdfast('--version'), { code: 0, output: `${manifest.version}\n` })
  const help = await holdfast('--help')
  assert.equal(help.code, 0)
  assert.match(help.output, /Exit codes:/)
})

test('it makes a repository with the recovery files in it, and lists it', async () => {
  const repository = join(folder, 'repository')
  const made = await holdfast('--config', join(folder, 'holdfast.yaml'), 'init', '--repository', `file://${repository}`)
  assert.equal(made.code, 0, made.output)
  for (const name of ['README.txt', 'recover.py']) {
    assert.deepEqual(
      await readFile(join(repository, name)),
      await readFile(join(root, 'src', 'repository', 'recovery', name)),
    )
  }
  const listed = await holdfast('points')
  assert.equal(listed.code, 0, listed.output)
  assert.match(listed.output, /No restore points\./)
})

test('a wrong command line ends with 2', async () => {
  assert.equal((await holdfast('nonsense')).code, 2)
})

/** The lines that docs/use/install.md gives to a shell. */
async function shellLines(): Promise<readonly string[]> {
  const page = await readFile(join(root, 'docs', 'use', 'install.md'), 'utf8')
  return [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, text = '']) => text.trim().split('\n'))
}

test('what docs/use/install.md says works: installed under a prefix, linked, started by its units', async () => {
  const host = join(folder, 'host')
  for (const name of ['usr/local/bin', 'etc/systemd/system']) await mkdir(join(host, name), { recursive: true })
  const here = (text: string): string =>
    text.replace(/(?<=[ =])\/(?=opt\/|usr\/local\/|etc\/|var\/)/g, `${host}/`).replace('./holdfast-0.1.0.tgz', tarball)
  const lines = await shellLines()
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.ok(lines.includes('npm pack'))
  assert.ok(lines.some((line) => line.includes(`./holdfast-${manifest.version}.tgz`)))
  // Users and running units belong to the machine that runs the test.
  for (const line of lines.filter((one) => /^(?:npm install|ln|install) /.test(one)))
    await installs('sh', ['-ec', here(line).replace(/--owner=\w+ /, '')])
  const program = join(host, 'usr/local/bin/holdfast')
  assert.deepEqual(await runQuietly(program, ['--version']), { code: 0, output: `${manifest.version}\n` })
  // The units that it prints start the program at the place that the page gives it.
  const [units, config] = [join(host, 'etc/systemd/system'), join(host, 'holdfast.yaml')]
  await writeFile(config, SCHEDULED, { mode: 0o600 })
  const args = ['-c', config, 'schedule', 'export', 'systemd', '--executable', program, '--output', units]
  await succeeds(program, args)
  await verifyUnits((await readdir(units)).map((name) => join(units, name)))
})

const SCHEDULED = `version: 1
repositories: { main: { url: 'file:///srv/holdfast' } }
apps:
  portal:
    repositories: [main]
    components: { keys: { kind: files, path: /etc/portal } }
    schedules: { backup: { cron: '0 2 * * *', jitter: 30m }, drill: { cron: '0 5 * * sun' } }
`

/** Every line that systemd does not know is a warning, with the exit code 0. */
async function verifyUnits(paths: readonly string[]): Promise<void> {
  const { code, output } = await runQuietly('systemd-analyze', ['verify', '--man=no', ...paths])
  if (code === 127) return
  const ours = output.split('\n').filter((line) => line.includes('holdfast'))
  assert.deepEqual(ours, [], output)
}
