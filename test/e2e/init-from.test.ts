import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { InitReport } from '../../src/operations/init/init.ts'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import { assertFailed } from './expect.ts'
import { emptyHost, filesHost, keptFile, type FilesHost } from './files-host.ts'

/** A database whose address is in the app's own environment file, on the disk of the app. */
test("an app's environment file that went away with the host is named, and the configuration is written", async (t) => {
  const host = await filesHost(t)
  const variables = join(host.folder, 'app.env')
  await writeFile(variables, 'DATABASE_URL=postgres://app:word@127.0.0.1:1/app\nKEY=word\n', { mode: 0o600 })
  await host.edit((config) => {
    const components = config.apps['portal']?.components
    assert.ok(components)
    components['database'] = { kind: 'postgres', from: { file: variables, name: 'DATABASE_URL' } }
    components['keys'] = { kind: 'secrets', secrets: { key: { file: variables, variable: 'KEY' } } }
  })
  await host.json(['backup', 'portal'], 3)
  const url = await lose(t, host, 'repository-main')
  const fresh = await emptyHost(t)
  const { report } = await fresh.json<{ report: InitReport }>(['init', '--from', url])
  const found = report.findings.find(({ subject }) => subject === `file ${variables}`)
  assert.match(found?.message ?? 'none', /components\.database, .*keys\.secrets\.key need it/)
  const points = await fresh.run('points', '--json')
  assertFailed(points, {
    code: 2,
    kind: 'usage',
    message: /put a file with the line DATABASE_URL=/,
    hint: /configuration/,
  })
})

/** A host that is lost with all that was on it; what is left is the repository, found again at another place. */
async function lostHost(t: TestContext): Promise<{ readonly host: FilesHost; readonly url: string }> {
  const host = await filesHost(t)
  await host.edit((config) => {
    const app = config.apps['portal']
    assert.ok(app)
    config.apps['notes'] = { ...app, components: { files: { kind: 'files', path: join(host.folder, 'data') } } }
  })
  await host.json(['backup', 'notes'])
  await host.json(['backup', 'portal'])
  return { host, url: await lose(t, host, 'repository-main') }
}

async function lose(t: TestContext, host: FilesHost, repository: string): Promise<string> {
  const left = await mkdtemp(join(tmpdir(), 'holdfast-left-'))
  t.after(() => rm(left, { recursive: true, force: true }))
  await rename(join(host.folder, repository), join(left, 'found'))
  await rm(host.folder, { recursive: true })
  return `file://${join(left, 'found')}`
}

test('a new host gets the configuration from the repository, and restores with it', async (t) => {
  const { host, url } = await lostHost(t)
  const fresh = await emptyHost(t)
  const { report } = await fresh.json<{ report: InitReport }>(['init', '--from', url])
  assert.deepEqual(
    report.from?.map(({ app }) => app),
    ['portal', 'notes'],
  )
  const said = report.findings.map(({ subject, message }) => `${subject}: ${message}`).join('\n')
  assert.match(said, /signing key: file:.*signing\.key is not on this host/)
  assert.match(said, /repository main: was at another place/)
  const { points } = await fresh.json<PointsReport>(['points'])
  assert.deepEqual(
    points.map(({ app }) => app),
    ['notes', 'portal'],
  )
  assert.equal((await fresh.runWith({}, 'points')).code, 0, 'the signers are in the file: no password is needed')
  await fresh.json(['check'], 13)
  const promised = await fresh.run('restore', 'portal', '--json')
  // There is no terminal: had it asked, it would have ended with 2.
  assertFailed(promised, { code: 13, kind: 'refused', message: /safety point.*signing key/, hint: /--no-safety-point/ })
  await fresh.json(['restore', 'portal', '--yes', '--no-safety-point'])
  assert.equal(await readFile(join(host.folder, 'data', 'kept.txt'), 'utf8'), 'kept')
  const again = await fresh.run('init', '--from', url, '--json')
  assertFailed(again, { code: 13, kind: 'refused', message: /exists already/, hint: /Move it away/ })
})

test('what a new host signs is trusted by the next one, which again has only the password', async (t) => {
  const { url } = await lostHost(t)
  const second = await emptyHost(t)
  await second.json(['init', '--from', url])
  await second.json(['restore', 'portal', '--yes', '--no-safety-point'])
  await second.edit((config) => (config.signingKey = `file:${join(second.folder, 'etc', 'signing.key')}`))
  const wrong = await second.runWith({ HOLDFAST_PASSWORD: 'another password' }, 'init', '--json')
  assertFailed(wrong, { code: 12, kind: 'denied', message: /password/, hint: /Caps Lock/ })
  await second.json(['init'])
  const { report } = await second.json<{ report: { point: string } }>(['backup', 'portal'])
  const third = await emptyHost(t)
  const written = await third.json<{ report: InitReport }>(['init', '--from', url])
  assert.equal(written.report.from?.[0]?.point, report.point)
  assert.deepEqual((await third.json<PointsReport>(['points'])).damaged, [])
})

test('one point can be named, and a wrong password or a wrong place writes nothing', async (t) => {
  const { url } = await lostHost(t)
  const fresh = await emptyHost(t)
  const wrong = await fresh.runWith({ HOLDFAST_PASSWORD: 'another password' }, 'init', '--from', url, '--json')
  assertFailed(wrong, { code: 12, kind: 'denied', message: /password/, hint: /Caps Lock/ })
  const nowhere = await fresh.run('init', '--from', `${url}-not`, '--json')
  assertFailed(nowhere, { code: 10, kind: 'notFound', message: /no repository/, hint: /mounted/ })
  const never = await fresh.run('init', '--from', url, '--at', '2020-01-01', '--json')
  assertFailed(never, { code: 10, kind: 'notFound', message: /carries a configuration/, hint: /--at/ })
  assert.deepEqual(await readdir(fresh.folder), [])
  await writeFile(join(fresh.folder, 'other.yaml'), '')
  const { report } = await fresh.json<{ report: InitReport }>(['init', '--from', url])
  const notes = report.from?.find(({ app }) => app === 'notes')?.point ?? ''
  await rm(fresh.config)
  await fresh.json(['init', '--from', url, '--at', notes])
  assert.doesNotMatch(await readFile(fresh.config, 'utf8'), /portal:/)
  assert.equal(await keptFile(fresh).catch(() => 'not restored'), 'not restored')
})
