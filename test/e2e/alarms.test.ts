import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMailServer, startReceiver } from '../parts/alarm-receivers.ts'
import { filesHost, type FilesHost } from './files-host.ts'
import { editConfig } from './lab.ts'

async function hostWith(t: TestContext, alarms: readonly unknown[]): Promise<FilesHost> {
  const host = await filesHost(t)
  await setAlarms(host, alarms)
  return host
}

function setAlarms({ config }: FilesHost, alarms: readonly unknown[]): Promise<void> {
  return editConfig(config, (file) => void Object.assign(file, { alarms }))
}

/** Does something to a host whose folder of files is gone, so that every backup fails. */
async function withoutFiles(host: FilesHost, act: () => Promise<void>): Promise<void> {
  const data = join(host.folder, 'data')
  await rename(data, `${data}-away`)
  await act()
  await rename(`${data}-away`, data)
}

test('a heartbeat beats for what went well alone; a webhook tells of a failure, signed; neither tells secrets', async (t) => {
  const [beats, hooks] = [await startReceiver(t), await startReceiver(t, 503)]
  const host = await hostWith(t, [
    { kind: 'heartbeat', url: `${beats.url}/ping/token?a=b`, failUrl: `${beats.url}/fail` },
    { kind: 'webhook', url: 'env:HOOK_URL', secret: 'env:HOOK_SECRET' },
    { kind: 'webhook', url: 'env:HOOK_URL', apps: ['another'] },
  ])
  const environment = { HOOK_URL: `${hooks.url}/hook`, HOOK_SECRET: `whsec_${Buffer.from('key').toString('base64')}` }
  assert.equal((await host.runWith(environment, 'backup', '--dry-run')).code, 0)
  assert.equal((await host.runWith(environment, 'backup')).code, 0)
  assert.deepEqual([beats.got.map(({ method, path }) => `${method} ${path}`), hooks.got], [['GET /ping/token?a=b'], []])
  await withoutFiles(host, async () => {
    const ran = await host.runWith(environment, 'backup')
    assert.notEqual(ran.code, 0)
    assert.equal(beats.got.at(-1)?.path, '/fail')
    // The first answer was 503: it was sent again.
    assert.equal(hooks.got.length, 2)
    const { body = '', headers = {} } = hooks.got[1] ?? {}
    const signed = `${headers['webhook-id']?.toString()}.${headers['webhook-timestamp']?.toString()}.${body}`
    const signature = createHmac('sha256', 'key').update(signed).digest('base64')
    assert.equal(headers['webhook-signature'], `v1,${signature}`)
    const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> }
    assert.deepEqual(
      [type, data['command'], data['apps'], data['exitCode']],
      ['run.ended', 'backup', ['portal'], ran.code],
    )
    assert.match(String(data['message']), /files/)
  })
})

test('mail and ntfy say what failed; what cannot be told is a warning and changes no exit code', async (t) => {
  const [mail, push] = [await startMailServer(t), await startReceiver(t)]
  const to = { from: 'holdfast@example.org', to: ['ops@example.org'] }
  const host = await hostWith(t, [
    { kind: 'mail', server: `smtp://holdfast@localhost:${mail.port}`, password: 'env:MAIL_PASSWORD', ...to },
    { kind: 'ntfy', url: `${push.url}/backups`, token: 'env:NTFY_TOKEN', on: 'always' },
    { kind: 'heartbeat', url: 'http://127.0.0.1:9/secret-token' },
  ])
  const environment = { MAIL_PASSWORD: 'let me in', NTFY_TOKEN: 'tk_1', NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const good = await host.runWith(environment, 'backup')
  assert.equal(good.code, 0)
  assert.match(good.error, /the heartbeat was not told of this: 127\.0\.0\.1:9 does not answer/)
  assert.doesNotMatch(good.error, /secret-token/)
  assert.deepEqual([mail.got.length, push.got[0]?.headers['title']], [0, 'Holdfast: backup of portal went well'])
  await withoutFiles(host, async () => {
    await host.runWith(environment, 'backup')
    assert.match(mail.got[0] ?? '', /Subject: Holdfast: backup of portal FAILED/)
    assert.deepEqual([push.got[1]?.headers['priority'], push.got[1]?.headers.authorization], ['5', 'Bearer tk_1'])
    const wrong = await host.runWith({ ...environment, MAIL_PASSWORD: 'wrong' }, 'backup')
    assert.match(wrong.error, /the mail was not told of this: localhost did not take the mail/)
    assert.doesNotMatch(wrong.error, /wrong"|let me in/)
  })
})

test('files for node_exporter keep when a run last went well, and status writes its metrics beside them', async (t) => {
  const host = await filesHost(t)
  const folder = join(host.folder, 'collector')
  await mkdir(folder)
  const alarm = { kind: 'textfile', folder, commands: ['backup', 'status'] }
  await setAlarms(host, [alarm])
  await host.run('backup')
  const good = await readFile(join(folder, 'holdfast-backup-portal-good.prom'), 'utf8')
  assert.match(good, /^holdfast_good_run_timestamp_seconds\{app="portal",command="backup"\} \d{10}$/m)
  await withoutFiles(host, async () => {
    const { code } = await host.run('backup')
    assert.ok(
      (await readFile(join(folder, 'holdfast-backup-portal.prom'), 'utf8')).includes(`command="backup"} ${code}\n`),
    )
    assert.equal(await readFile(join(folder, 'holdfast-backup-portal-good.prom'), 'utf8'), good)
  })
  await host.run('status')
  assert.match(await readFile(join(folder, 'holdfast-status.prom'), 'utf8'), /^holdfast_app_state\{app="portal"/m)
  assert.equal((await readdir(folder)).filter((name) => !name.endsWith('.prom')).length, 0)
})

test('an alarm that is written wrongly is an error of the configuration', async (t) => {
  const host = await filesHost(t)
  for (const [alarm, told] of [
    [{ kind: 'pager' }, /kind/],
    [{ kind: 'mail', server: 'smtp://a:secret@localhost', from: 'a@b', to: ['c@d'] }, /setting of its own/],
    [{ kind: 'mail', server: 'localhost', from: 'a@b', to: ['c@d'] }, /smtps:/],
    [{ kind: 'textfile', folder: 'relative' }, /absolute/],
    [{ kind: 'webhook', url: 'env:A', commands: ['restore'] }, /commands/],
  ] as const) {
    await setAlarms(host, [alarm])
    const { code, error } = await host.run('backup')
    assert.equal(code, 2, error)
    assert.match(error, told)
    assert.doesNotMatch(error, /:secret@/)
  }
  await setAlarms(host, [{ kind: 'heartbeat', url: 'env:NO_SUCH_VARIABLE' }])
  const ran = await host.run('backup')
  assert.equal(ran.code, 0)
  assert.match(ran.error, /NO_SUCH_VARIABLE is not set/)
})
