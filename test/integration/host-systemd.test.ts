import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startSystemd, whyNoSystemd, type Systemd } from '../parts/systemd.ts'

/** The host platform beside a real systemd. */
const ACTS = join(import.meta.dirname, '..', 'parts', 'host-acts.ts')
const BARE = '[Unit]\nDefaultDependencies=no\n'
const service = (exec: string, more = ''): string => `${BARE}[Service]\nExecStart=${exec}\n${more}`
const LISTENER = `${process.execPath} -e "for (const at of [5432, '/run/.s.PGSQL.5432']) require('net').createServer().listen(at)"`
const UNITS = {
  'web.service': service('/bin/sleep 1000'),
  'worker.service': service('/bin/sleep 1000', 'Restart=always\n'),
  'idle.service': `${service('/bin/sleep 1000')}[Install]\nWantedBy=multi-user.target\n`,
  'sync.service': service('/bin/true', 'Type=oneshot\n'),
  'sync.timer': `${BARE}[Timer]\nOnActiveSec=1000\nOnUnitActiveSec=1000\n`,
  'web.socket': `${BARE}[Socket]\nListenStream=/run/web.socket\n`,
  'ready.service': service(
    `/bin/sh -c 'sleep 1; systemd-notify --ready; exec sleep 1000'`,
    'Type=notify\nNotifyAccess=all\n',
  ),
  'broken.service': service('/bin/false'),
  'server.service': `${BARE}PartOf=servers.service\n[Service]\nExecStart=${LISTENER}\n`,
  'servers.service': service('/bin/true', 'Type=oneshot\nRemainAfterExit=yes\n'),
}

interface Answer<Result> {
  readonly result: Result
  readonly failure?: { readonly kind: string; readonly message: string; readonly hint: string }
}

async function act<Result = unknown>(
  systemd: Systemd,
  settings: object,
  ...words: readonly string[]
): Promise<Answer<Result>> {
  const { out, error } = await systemd.run(process.execPath, ACTS, JSON.stringify(settings), ...words)
  assert.notEqual(out, '', error)
  // What host-acts.ts prints.
  return JSON.parse(out) as Answer<Result>
}

async function until(is: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 50; look += 1) {
    if (await is()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail('it never was so')
}

const why = whyNoSystemd()

test('units of systemd', { skip: why ?? false, timeout: 300_000 }, async (t) => {
  const systemd = await startSystemd(UNITS)
  t.after(() => systemd.stop())
  const start = (...units: readonly string[]): Promise<unknown> => systemd.run('systemctl', 'start', ...units)
  const stateOf = async (unit: string): Promise<string> =>
    (await systemd.run('systemctl', 'is-active', unit)).out.trim()
  const settings = { units: ['web.service', 'worker.service', 'idle.service', 'sync.service'] }

  await t.test('what starts a unit again is stopped before it, and all come back as they were', async () => {
    await start('web.socket', 'web.service', 'worker.service', 'sync.timer')
    await systemd.run('systemctl', 'enable', 'idle.service')
    const { result: up } = await act<string[]>(systemd, settings, 'running')
    assert.deepEqual(up, ['sync.timer', 'web.service', 'worker.service', 'web.socket'])
    for (const unit of [...up, ...up]) assert.equal((await act(systemd, settings, 'pause', unit)).failure, undefined)
    for (const unit of [...up, 'idle.service']) assert.equal(await stateOf(unit), 'inactive')
    assert.deepEqual((await act(systemd, settings, 'running')).result, [])
    for (const unit of up.toReversed()) assert.equal((await act(systemd, settings, 'resume', unit)).failure, undefined)
    for (const unit of up) assert.equal(await stateOf(unit), 'active')
    assert.equal(await stateOf('idle.service'), 'inactive', 'enabled is not running')
  })

  await t.test('a unit is up once it says so, and one that falls is told', async () => {
    const ready = { units: ['ready.service', 'broken.service'] }
    assert.equal((await act(systemd, ready, 'resume', 'ready.service')).failure, undefined)
    assert.equal(await stateOf('ready.service'), 'active')
    const { failure } = await act(systemd, ready, 'resume', 'broken.service')
    assert.match(failure?.message ?? '', /unit broken.service was started and is failed/)
  })

  await t.test('a unit that is not there is named, and check names what starts one again', async () => {
    const { failure } = await act(systemd, { units: ['gone.service'] }, 'running')
    assert.deepEqual([failure?.kind, failure?.message], ['notFound', 'systemd knows no unit gone.service'])
    const { result } = await act<object[]>(systemd, { units: ['web.service', 'gone.service'] }, 'check')
    assert.match(JSON.stringify(result), /web.service.*started by web.socket.*gone.service/)
  })

  await t.test('a unit that the own database listens in is not stopped', async () => {
    await start('server.service', 'servers.service', 'web.service')
    const [port, socket] = [{ host: '127.0.0.1', port: 5432 }, { socket: '/run/.s.PGSQL.5432' }]
    const protect = async (unit: string, at: object) => {
      const { failure } = await act(systemd, { units: ['web.service', unit] }, 'protect', JSON.stringify(at))
      return failure?.message
    }
    await until(async () => (await protect('server.service', socket)) !== undefined)
    for (const at of [port, socket])
      assert.match(
        (await protect('server.service', at)) ?? '',
        /unit server.service would be stopped, and serves .*5432/,
      )
    assert.match((await protect('servers.service', port)) ?? '', /through server.service, which systemd stops with it/)
    for (const at of [{ host: '127.0.0.1', port: 5433 }, { host: '192.0.2.1', port: 5432 }, { socket: '/run/other' }])
      assert.equal(await protect('server.service', at), undefined)
    assert.equal(await protect('worker.service', port), undefined)
  })

  await t.test('the rights name each unit that is stopped and started', async () => {
    const { result } = await act<string>(systemd, { units: ['web.service'], sudo: true }, 'rights')
    for (const unit of ['web.service', 'web.socket'])
      for (const verb of ['stop', 'start']) assert.ok(result.includes(`/usr/bin/systemctl ${verb} -- ${unit}`), result)
    const polkit = (await act<string>(systemd, { units: ['web.service'] }, 'rights')).result
    assert.match(polkit, /"web.socket","web.service"/)
  })
})
