import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { atTerminal } from '../parts/terminal.ts'
import { assertFailed } from './expect.ts'
import { holdfast } from './holdfast.ts'
import { emptyHost, filesHost, writeConfig, type FilesHost } from './files-host.ts'
import { PASSWORD } from './lab.ts'

/** A host whose configuration names no signers: there the password says whom to trust. */
async function freshHost(t: TestContext): Promise<FilesHost> {
  const host = await filesHost(t)
  await host.json(['backup'])
  const fresh = await emptyHost(t)
  await writeConfig(fresh, {}, `file://${join(host.folder, 'repository-main')}`)
  return fresh
}

const wrong = { prompt: 'Password of private key recovery', type: 'wrong horse battery' }
const again = { ...wrong, prompt: 'try 2 of 3' }
const last = { ...wrong, prompt: 'try 3 of 3' }

test('a wrong password is denied, and no password is a question that nobody can answer', async (t) => {
  const host = await freshHost(t)
  const denied = { code: 12, kind: 'denied', message: /the password of identity recovery is wrong/, hint: /Caps Lock/ }
  const unasked = { code: 2, kind: 'usage', message: /no terminal to ask for a password/, hint: /HOLDFAST_PASSWORD/ }
  for (const args of [['points'], ['restore', '--dry-run'], ['verify', 'latest']])
    assertFailed(await host.runWith({ HOLDFAST_PASSWORD: wrong.type }, ...args, '--json'), denied)
  assertFailed(await holdfast(host.folder, ['-c', host.config, 'points', '--json']), unasked)
  const shown = await host.runWith({ HOLDFAST_PASSWORD: wrong.type }, 'points')
  assert.doesNotMatch(shown.out + shown.error, /no restore point/i)
})

test('on a terminal the password is asked for three times', async (t) => {
  const host = await freshHost(t)
  const args = ['--config', host.config, 'points']
  const third = await atTerminal(host.folder, args, [wrong, again, { ...last, type: PASSWORD }])
  assert.equal(third.code, 0, third.plain)
  assert.match(third.plain, /restore point +app[^]*portal/)
  const never = await atTerminal(host.folder, args, [wrong, again, last])
  assert.equal(never.code, 12, never.plain)
  assert.doesNotMatch(never.plain, /no restore point/i)
})
