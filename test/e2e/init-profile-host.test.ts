import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { startSystemd, whyNoSystemd } from '../parts/systemd.ts'
import { launcher } from './holdfast.ts'
import type { ConfigFile } from './lab.ts'

const skip = whyNoSystemd()
const limit = { timeout: 120_000, ...(skip === undefined ? {} : { skip }) }
const unit = '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n'

test(
  'units of the app are found on a host, in the order in which they stop; nothing is written for another',
  limit,
  async () => {
    const systemd = await startSystemd({ 'certctl-server.service': unit, 'certctl-agent.service': unit })
    after(() => systemd.stop())
    const init = ['--config', '/tmp/holdfast.yaml', 'init', '--host', '--no-password', '--identity-file', '/tmp/key']
    const run = (...args: readonly string[]) =>
      systemd.run('env', 'HOME=/tmp', `PATH=${process.env['PATH'] ?? ''}`, launcher, ...init, ...args)
    const other = await run('--profile', 'zitadel')
    assert.equal(other.code, 10, other.error)
    assert.match(other.error, /there is unit certctl-agent.service, unit certctl-server.service/)
    assert.notEqual((await systemd.run('ls', '/tmp/holdfast.yaml')).code, 0)
    const made = await run('--profile', 'certctl')
    assert.equal(made.code, 0, made.error)
    assert.match(made.out, /not decided: \/opt\/certctl\/\.env/)
    const { apps } = parse((await systemd.run('cat', '/tmp/holdfast.yaml')).out) as ConfigFile
    assert.deepEqual((apps['certctl'] as Record<string, unknown> | undefined)?.['platform'], {
      kind: 'host',
      units: ['certctl-agent.service', 'certctl-server.service'],
    })
  },
)
