import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'
import type { Failure } from '../../src/core/failure.ts'
import { composePlatform } from '../../src/platforms/compose/compose.ts'
import { EngineClient } from '../../src/platforms/compose/engine/client.ts'
import { findContainer } from '../../src/platforms/compose/find.ts'
import { composePurposes, composeRights } from '../../src/platforms/compose/rights.ts'
import { composeReach, composeSettings, type ComposeSettings } from '../../src/platforms/compose/schema.ts'
import { makeCertificates } from '../parts/certificates.ts'
import { startDocker } from '../parts/docker.ts'
import { filterProxy } from '../parts/docker/filter-proxy.ts'
import { BUSYBOX_IMAGE } from '../parts/docker/images.ts'
import { testContext } from '../parts/postgres.ts'

const docker = await startDocker()
const context = testContext()
const idle = { image: BUSYBOX_IMAGE, command: ['sleep', '1000000'], init: true }
const project = await docker.project({
  services: {
    database: { ...idle, environment: { POSTGRES_PASSWORD: 'a password' }, expose: ['80', '5432'] },
    twice: { ...idle, scale: 2 },
    stopped: idle,
    web: { ...idle, restart: 'always', network_mode: 'service:gate', depends_on: ['gate'] },
    gate: { ...idle, restart: 'on-failure' },
  },
})
await project.compose('stop', '--timeout', '0', 'stopped')

function settingsWith(over: Readonly<Record<string, unknown>> = {}): ComposeSettings {
  const engine = `unix://${docker.socket}`
  return composeSettings.parse({ kind: 'compose', project: project.name, engine, services: ['web'], ...over })
}

const reachOf = (service: string) => composeReach.parse({ kind: 'compose', service })
const findWith = (service: string, over = {}) => findContainer(settingsWith(over), reachOf(service), context)
const refused = (kind: Failure['kind'], message: RegExp, hint: RegExp) => ({ kind, message, hint })

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-engine-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('none, two, or one that is stopped is an error that lists what was found', async () => {
  assert.equal((await findWith('database')).name, `container ${project.name}-database-1`)
  assert.equal((await findWith('database')).image, BUSYBOX_IMAGE)
  await assert.rejects(findWith('databse'), refused('notFound', /service databse/, /database-1 \(running\), .*twice-2/))
  await assert.rejects(findWith('twice'), refused('refused', /2 containers: twice-1 \(running\), twice-2/, /one/))
  await assert.rejects(findWith('stopped'), refused('notFound', /stopped-1 \(exited\)/, /start stopped/))
  await assert.rejects(
    findWith('x', { project: 'portal' }),
    refused('notFound', /project portal/, new RegExp(project.name)),
  )
  const path = composeSettings.safeParse({ kind: 'compose', project: './compose.yaml' })
  assert.match(JSON.stringify(path.error?.issues), /docker compose ls prints it, and no path/)
})

test('what holds data is never among what is stopped', async () => {
  await assert.rejects(findWith('web'), refused('usage', /service web .* would be stopped/, /Remove web/))
  const gate = { services: ['gate'] }
  await assert.rejects(
    findWith('web', gate),
    refused('refused', /network or processes of .*gate-1/, /network of its own/),
  )
  assert.ok(await findWith('database', gate))
})

test('check tells the engine, the project, each service, and what would come back by itself', async () => {
  const check = async (over = {}) => (await composePlatform.check?.(settingsWith(over), [], context)) ?? []
  const found = await check()
  assert.deepEqual(
    found.map(({ level }) => level),
    ['ok', 'ok', 'ok', 'warning'],
  )
  assert.match(found[0]?.message ?? '', /API 1\.\d+/)
  assert.match(found[1]?.message ?? '', /stopped-1 \(exited\), .*web-1 \(running\)/)
  const both = await check({ services: ['web', 'gate'] })
  assert.deepEqual(
    both
      .filter(({ level }) => level === 'warning')
      .map(({ message }) => /restart: [\w-]+/.exec(message)?.[0] ?? '')
      .toSorted(),
    ['restart: always', 'restart: on-failure'],
  )
  assert.match(
    JSON.stringify(await check({ services: ['database'] })),
    /"warning".*database-1.*port of PostgreSQL and would be stopped/,
  )
  assert.match(found[3]?.hint ?? '', /service web restart: unless-stopped/)
  assert.deepEqual(
    (await check({ services: [] })).map(({ level }) => level),
    ['ok', 'ok'],
  )
  assert.match((await check({ services: ['worker'] })).at(-1)?.message ?? '', /no container of service worker/)
  assert.match((await check({ project: 'portal' })).at(-1)?.message ?? '', /no container of compose project portal/)
  assert.deepEqual(
    (await check({ engine: 'unix:///nowhere.sock' })).map(({ level }) => level),
    ['error'],
  )
})

test('an engine that is not there, is silent, is something else or is too old', async (t) => {
  const folder = await folderOf(t)
  const asked = (engine: string) => composePlatform.running(settingsWith({ engine }), context)
  await assert.rejects(asked(`unix://${folder}/no.sock`), refused('unreachable', /no such socket/, /Start the engine/))
  await writeFile(join(folder, 'file'), '')
  await assert.rejects(asked(`unix://${folder}/file`), refused('unreachable', /nobody listens/, /Start the engine/))
  await assert.rejects(asked('tcp://127.0.0.1:1'), refused('unreachable', /nobody listens/, /Start the engine/))
  const silent = createServer((socket) => t.after(() => socket.destroy()))
  await new Promise<void>((resolve) => silent.listen(join(folder, 'silent'), resolve))
  t.after(() => silent.close())
  const engine = new EngineClient({ engine: `unix://${folder}/silent` }, 300)
  await assert.rejects(engine.version(context), refused('unreachable', /not answered within 0.3 s/, /busy/))
  engine.close()
  const old = await filterProxy(
    t,
    docker.socket,
    () => true,
    () => '{"ApiVersion":"1.30","Version":"17.06"}',
  )
  await assert.rejects(asked(old.engine), refused('unsupported', /17\.06 has API 1\.30, and 1\.40/, /Update/))
  const other = await filterProxy(
    t,
    docker.socket,
    () => true,
    () => '<html>',
  )
  await assert.rejects(asked(other.engine), refused('unsupported', /another shape/, /address/))
  const future = await filterProxy(
    t,
    docker.socket,
    () => true,
    (path, body) => (path === '/version' ? '{"ApiVersion":"1.99","MinAPIVersion":"1.24"}' : body),
  )
  await asked(future.engine).catch(() => undefined)
  assert.match(future.passed[1] ?? '', /v1\.44/)
})

test('a user without the right to the socket is told the group that has it', async (t) => {
  const folder = await folderOf(t)
  await chmod(folder, 0o755)
  const script = join(folder, 'ask.mjs')
  const platform = join(import.meta.dirname, '../../src/platforms/compose/compose.ts')
  await writeFile(
    script,
    `import { composePlatform } from ${JSON.stringify(platform)}
const signal = new AbortController().signal
const settings = { kind: 'compose', project: 'x', engine: 'unix://${folder}/closed.sock', services: ['web'] }
await composePlatform.running(settings, { signal }).catch(({ kind, message, hint }) => console.log(kind, message, hint))`,
  )
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(folder, 'closed.sock'), resolve))
  t.after(() => server.close())
  await chown(join(folder, 'closed.sock'), 0, 6)
  await chmod(join(folder, 'closed.sock'), 0o660)
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--', process.execPath, script]
  const { stdout } = await promisify(execFile)('setpriv', nobody)
  assert.match(stdout, /^denied .*the right to the socket is missing .*group disk.*socket proxy/s)
})

test('an engine behind TLS, with a login by certificate', async (t) => {
  const folder = await folderOf(t)
  const made = await makeCertificates(folder, 'engine')
  const [ca, cert, key] = await Promise.all([made.ca, made.certificate, made.key].map((path) => readFile(path)))
  const certificates = join(folder, 'client')
  await mkdir(certificates)
  for (const [name, content] of [
    ['ca.pem', ca],
    ['cert.pem', cert],
    ['key.pem', key],
  ] as const)
    await writeFile(join(certificates, name), content ?? '')
  const server = createTlsServer({ ca, cert, key, requestCert: true, allowHalfOpen: true }, (client) => {
    const engine = connect({ path: docker.socket, allowHalfOpen: true })
    client.pipe(engine).on('error', () => client.destroy())
    engine.pipe(client).on('error', () => engine.destroy())
    t.after(() => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const engine = `tcp://127.0.0.1:${address.port}`
  const place = await findWith('database', { engine, certificates })
  const program = await place.start(['cat'], context)
  program.stdin.end('through TLS')
  assert.equal(String(await program.stdout.toArray()), 'through TLS')
  assert.equal(await program.ended, 0)
  const other = join(folder, 'other')
  await mkdir(other)
  const { ca: unknown } = await makeCertificates(folder, 'other')
  for (const name of ['cert.pem', 'key.pem']) await copyFile(join(certificates, name), join(other, name))
  await assert.rejects(findWith('database', { engine, certificates: other }), { message: /ca\.pem .*cannot be read/ })
  await copyFile(unknown, join(other, 'ca.pem'))
  await assert.rejects(
    findWith('database', { engine, certificates: other }),
    refused('denied', /TLS failed/, /certificates/),
  )
  await assert.rejects(findWith('database', { engine }), refused('unreachable', /not reached/, /engine/))
})

test('with just the rights that are printed all works, and without them the error names the way', async (t) => {
  for (const purpose of composePurposes) {
    const rights = composeRights(purpose)
    const allows = ({ method, path }: { method: string; path: string }): boolean =>
      rights.some((each) => each.method === method && each.path.test(path))
    const proxy = await filterProxy(t, docker.socket, allows)
    const settings = settingsWith({ engine: proxy.engine })
    const place = await findContainer(settings, reachOf('database'), context)
    assert.equal(await place.variable('POSTGRES_PASSWORD', context), 'a password')
    const program = await place.start(['cat'], context)
    program.stdin.end('through the proxy')
    assert.equal(String(await program.stdout.toArray()), 'through the proxy')
    assert.equal(await program.ended, 0)
    assert.ok((await composePlatform.check?.(settings, [], context))?.every(({ level }) => level !== 'error'))
    if (purpose === 'drill' || purpose === 'backup') {
      await assert.rejects(
        composePlatform.pause(settings, 'web-1', context),
        refused('denied', /stop container/, /rights compose/),
      )
      continue
    }
    await composePlatform.pause(settings, 'web-1', context)
    await composePlatform.resume(settings, 'web-1', context)
    assert.deepEqual(proxy.refused, [])
    // Each right is needed.
    const unused = rights.filter(
      ({ method, path }) =>
        !proxy.passed.some((call) => call.startsWith(method) && path.test(call.slice(method.length + 1))),
    )
    assert.deepEqual(unused, [])
  }
  const none = await filterProxy(t, docker.socket, ({ path }) => !path.includes('exec'))
  const place = await findContainer(settingsWith({ engine: none.engine }), reachOf('database'), context)
  await assert.rejects(place.start(['cat'], context), refused('denied', /run cat in container .*403/, /rights compose/))
})
