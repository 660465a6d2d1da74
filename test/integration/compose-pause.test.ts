import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Context, Progress } from '../../src/core/ports.ts'
import { composePlatform } from '../../src/platforms/compose/compose.ts'
import { composeSettings, type ComposeSettings } from '../../src/platforms/compose/schema.ts'
import { APP_PASSWORD, composeApp } from '../parts/compose-app.ts'
import { startDocker, type TestProject } from '../parts/docker.ts'
import { BUSYBOX_IMAGE } from '../parts/docker/images.ts'
import { deaths, Died, dyingEffects } from '../parts/dying-effects.ts'
import { testContext } from '../parts/postgres.ts'

const docker = await startDocker()
const context = testContext()

/** A service that does nothing, and stops at once. */
const idle = { image: BUSYBOX_IMAGE, command: ['sleep', '1000000'], init: true }

function settingsOf({ name }: TestProject, services: readonly string[], over = {}): ComposeSettings {
  const engine = `unix://${docker.socket}`
  return composeSettings.parse({ kind: 'compose', project: name, engine, services, readySeconds: 20, ...over })
}

const running = (settings: ComposeSettings): Promise<readonly string[]> => composePlatform.running(settings, context)

async function pauseAll(settings: ComposeSettings, workloads: readonly string[], by: Context = context): Promise<void> {
  for (const workload of workloads) await composePlatform.pause(settings, workload, by)
}

async function resumeAll(
  settings: ComposeSettings,
  workloads: readonly string[],
  by: Context = context,
): Promise<void> {
  for (const workload of workloads.toReversed()) await composePlatform.resume(settings, workload, by)
}

test('a writer that never stops is stopped, and the database goes on', async () => {
  const project = await docker.project(composeApp)
  const settings = settingsOf(project, ['writer'])
  const place = await composePlatform.inside?.find(
    settings,
    { kind: 'compose', service: 'database', route: 'auto' },
    context,
  )
  assert.ok(place)
  const count = async (): Promise<number> => {
    const program = await place.start(
      ['psql', '-qAt', '-h', '/tmp', '-U', 'postgres', '-c', 'SELECT count(*) FROM written'],
      context,
    )
    let text = ''
    for await (const chunk of program.stdout) text += String(chunk)
    assert.equal(await program.ended, 0, program.stderr())
    return Number(text)
  }
  assert.equal(await place.variable('POSTGRES_PASSWORD', context), APP_PASSWORD)
  assert.deepEqual(await running(settings), ['writer-1'])
  await composePlatform.pause(settings, 'writer-1', context)
  const [paused, ids] = [await count(), await project.id('writer')]
  await context.clock.sleep(1000, context.signal)
  assert.deepEqual(
    [await count(), await running(settings), (await project.states())['database-1']],
    [paused, [], 'running'],
  )
  await composePlatform.resume(settings, 'writer-1', context)
  await context.clock.sleep(500, context.signal)
  assert.ok((await count()) > paused)
  assert.equal(await project.id('writer'), ids)
})

test('exactly what ran is started again, and who depends on another is stopped before it', async () => {
  const project = await docker.project({
    services: {
      cache: idle,
      web: { ...idle, depends_on: ['cache'] },
      worker: { ...idle, scale: 3, depends_on: ['web'] },
      off: { ...idle, depends_on: ['web'] },
    },
  })
  await project.compose('stop', '--timeout', '0', 'off')
  await docker.must('POST', `/containers/${await project.id('worker', 2)}/stop?t=0`)
  const settings = settingsOf(project, ['cache', 'web', 'off', 'worker'])
  const before = await project.states()
  const workloads = await running(settings)
  assert.deepEqual(workloads, ['worker-3', 'worker-1', 'web-1', 'cache-1'])
  for (let time = 0; time < 2; time += 1) await pauseAll(settings, workloads)
  assert.ok(Object.values(await project.states()).every((state) => state === 'exited'))
  // What was down stays down, and is no failure.
  await composePlatform.pause(settings, 'off-1', context)
  for (let time = 0; time < 2; time += 1) await resumeAll(settings, workloads)
  assert.deepEqual(await project.states(), before)
})

test('a service that the own database is reached in is refused, and no other', async () => {
  const project = await docker.project({
    services: { database: { ...idle, ports: ['127.0.0.1::8200'] }, worker: idle },
  })
  const id = await project.id('database')
  const found = JSON.stringify(await docker.must('GET', `/containers/${id}/json`))
  const [, published = ''] = /"HostPort":"(\d+)"/.exec(found) ?? []
  const [, address = ''] = /"IPAddress":"(\d[\d.]+)"/.exec(found) ?? []
  const protect = (services: readonly string[], host: string, port: number | string): Promise<void> | undefined =>
    composePlatform.protect?.(settingsOf(project, services), [], context, [
      { component: 'keys', at: { host, port: Number(port) } },
    ])
  for (const [host, port] of [
    ['localhost', published],
    [address, 5432],
    ['database', 8200],
  ] as const)
    await assert.rejects(async () => await protect(['worker', 'database'], host, port), {
      kind: 'refused',
      message: new RegExp(
        `service database of project .* would be stopped, and serves ${host}:${port} of component keys`,
      ),
    })
  await protect(['worker'], 'localhost', published)
  for (const [host, port] of [
    ['localhost', 5432],
    ['192.0.2.1', published],
    ['database', 5433],
  ] as const)
    await protect(['worker', 'database'], host, port)
})

test('what was made anew or scaled while it was stopped', async () => {
  const file = { services: { web: idle, worker: { ...idle, scale: 2 } } }
  const project = await docker.project(file)
  const settings = settingsOf(project, ['web', 'worker'])
  const workloads = await running(settings)
  await pauseAll(settings, workloads)
  const [first, told] = [await project.id('web'), [] as Progress[]]
  await project.write({ services: { web: { ...idle, labels: { changed: 'yes' } }, worker: { ...idle, scale: 1 } } })
  await project.compose('up', '--no-start', '--pull', 'never')
  assert.notEqual(await project.id('web'), first)
  await resumeAll(settings, workloads, { ...context, progress: (event) => told.push(event) })
  assert.deepEqual(await project.states(), { 'web-1': 'running', 'worker-1': 'running' })
  assert.match(JSON.stringify(told), /worker-2 was removed while it was stopped.*worker-1 \(running\)/)
  await pauseAll(settings, ['web-1'])
  await project.compose('rm', '--force', 'web')
  await assert.rejects(composePlatform.resume(settings, 'web-1', context), {
    kind: 'notFound',
    hint: /up -d web/,
  })
})

test('a pause and a resume that die anywhere are done again', async () => {
  const project = await docker.project({ services: { web: idle } })
  const settings = settingsOf(project, ['web'])
  for (const death of deaths) {
    for (const [act, state] of [
      ['pause', 'exited'],
      ['resume', 'running'],
    ] as const) {
      const effects = dyingEffects({ name: `${act} web-1`, occurrence: 1 }, death)
      const died = await composePlatform[act](settings, 'web-1', { ...context, effects }).catch(
        (error: unknown) => error,
      )
      assert.equal(effects.reached(), true)
      // An answer that was lost is looked for.
      assert.equal(died instanceof Died, death !== 'lost', String(died))
      const there = death === 'before' ? (act === 'pause' ? 'running' : 'exited') : state
      assert.deepEqual(await project.states(), { 'web-1': there })
      await composePlatform[act](settings, 'web-1', context)
      assert.deepEqual(await project.states(), { 'web-1': state })
    }
  }
})

test('an engine that is away for a moment is waited for', async (t) => {
  const health = { test: ['CMD', 'true'], interval: '1s' }
  const project = await docker.project({ services: { web: { ...idle, healthcheck: health } } })
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-away-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'engine.sock')
  const settings = settingsOf(project, ['web'], { engine: `unix://${path}` })
  let open: Socket[] = []
  const proxy = createServer((client) => {
    const server = connect(docker.socket)
    for (const socket of [client, server]) open.push(socket.on('error', () => undefined))
    client.pipe(server).pipe(client)
  })
  const away = async (): Promise<void> => {
    for (const socket of open) socket.destroy()
    open = []
    await new Promise<void>((resolve) => void proxy.close(() => resolve()))
    setTimeout(() => proxy.listen(path), 1200)
  }
  t.after(() => proxy.close())
  t.after(() => open.forEach((socket) => socket.destroy()))
  for (const [act, state] of [
    ['pause', 'exited'],
    ['resume', 'running'],
  ] as const) {
    const effects: Context['effects'] = {
      run: async (_name, change) => {
        const result = await change()
        await away()
        return result
      },
    }
    if (act === 'pause') setTimeout(() => proxy.listen(path), 600)
    await composePlatform[act](settings, 'web-1', { ...context, effects })
    assert.deepEqual(await project.states(), { 'web-1': state })
  }
})

test('what cannot be started again is not stopped', async () => {
  const project = await docker.project({ services: { database: idle, web: idle } })
  const settings = settingsOf(project, ['web'])
  await assert.rejects(composePlatform.pause(settings, 'database-1', context), {
    kind: 'usage',
    message: /not stopped/,
  })
  await assert.rejects(running(settingsOf(project, ['web', 'wbe'])), {
    kind: 'notFound',
    message: /wbe/,
    hint: /web-1 \(running\)/,
  })
  await project.compose('run', '--detach', '--name', `${project.name}-migration`, 'web', 'sleep', '1000000')
  await assert.rejects(running(settings), { kind: 'refused', message: new RegExp(`${project.name}-migration`) })
  await docker.must('POST', `/containers/${project.name}-migration/kill`)
  await docker.must('POST', `/containers/${await project.id('web')}/pause`)
  await assert.rejects(running(settings), { kind: 'refused', hint: /docker unpause/ })
  await docker.must('POST', `/containers/${await project.id('web')}/unpause`)
  assert.deepEqual(await running(settings), ['web-1'])
})

test('a container that does not listen is killed after its own time, or that of the platform', async () => {
  const stubborn = { image: BUSYBOX_IMAGE, command: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] }
  const project = await docker.project({
    services: { short: { ...stubborn, stop_grace_period: '1s' }, long: { ...stubborn, stop_grace_period: '10m' } },
  })
  for (const [service, over, limit] of [
    ['short', {}, 8000],
    ['long', { stopSeconds: 1 }, 8000],
  ] as const) {
    const settings = settingsOf(project, [service], over)
    const since = performance.now()
    await composePlatform.pause(settings, `${service}-1`, context)
    assert.ok(performance.now() - since < limit, `${service} took ${performance.now() - since} ms`)
    assert.equal((await project.states())[`${service}-1`], 'exited')
  }
})

test('what does not come up again is told', async () => {
  const project = await docker.project({
    services: {
      // Runs once only.
      web: { ...idle, command: ['sh', '-c', '[ -e /tmp/once ] && exit 5; echo >/tmp/once; exec sleep 1000000'] },
      sick: {
        ...idle,
        healthcheck: { test: ['CMD', 'cat', '/tmp/well'], interval: '300ms', retries: 1 },
        command: ['sh', '-c', 'echo >/tmp/well; exec sleep 1000000'],
      },
    },
  })
  const settings = settingsOf(project, ['web', 'sick'], { readySeconds: 3 })
  await pauseAll(settings, ['web-1', 'sick-1'])
  await assert.rejects(composePlatform.resume(settings, 'web-1', context), {
    kind: 'toolFailed',
    message: /ended with 5/,
    hint: /docker logs/,
  })
  await docker.must('POST', `/containers/${await project.id('sick')}/start`)
  const place = await composePlatform.inside?.find(
    settingsOf(project, []),
    { kind: 'compose', service: 'sick', route: 'auto' },
    context,
  )
  // Its health check is a file that is gone.
  await (
    await place?.start(['sh', '-c', 'while [ ! -e /tmp/well ]; do sleep 0.1; done; exec busybox rm /tmp/well'], context)
  )?.ended
  await assert.rejects(composePlatform.resume(settings, 'sick-1', context), {
    kind: 'toolFailed',
    message: /unhealthy after 3 s/,
  })
})
