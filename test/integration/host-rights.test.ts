import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startSystemd, whyNoSystemd } from '../parts/systemd.ts'
import { BUS_UNITS, userOf } from '../parts/systemd-user.ts'

/** A user without rights, real sudo, real polkit: with the lines that are printed it goes, and nothing else does. */
const ACTS = join(import.meta.dirname, '..', 'parts', 'host-acts.ts')
const BARE = '[Unit]\nDefaultDependencies=no\n'
const SLEEPER = `${BARE}[Service]\nExecStart=/bin/sleep 1000\n`
const ODD = String.raw`srv-my\x2dapp:1.service`
const UNITS = {
  'web.service': SLEEPER,
  'web.socket': `${BARE}[Socket]\nListenStream=/run/web.socket\n`,
  [ODD]: SLEEPER,
  'other.service': SLEEPER,
}
const units = ['web.service', ODD]
const OTHERS = [
  ['stop', '--', 'other.service'],
  ['start', '--', 'other.service'],
  ['restart', '--', 'web.service'],
  ['kill', '--', 'web.service'],
  ['mask', '--', 'web.service'],
  ['daemon-reload'],
  ['poweroff'],
]

interface Answer {
  readonly result: unknown
  readonly failure?: { readonly kind: string; readonly message: string; readonly hint: string }
}

const why = whyNoSystemd()
const options = { skip: why ?? false, timeout: 120_000 }
const systemd = why === undefined ? await startSystemd({ ...UNITS, ...BUS_UNITS }) : undefined
after(() => systemd?.stop())

async function startLab(sudo: boolean) {
  assert.ok(systemd)
  const user = await userOf(systemd)
  await systemd.run('systemctl', 'start', 'web.socket', 'web.service', ODD, 'other.service')
  const act = async (...words: readonly string[]): Promise<Answer> => {
    const { out, error } = await user.run(process.execPath, ACTS, JSON.stringify({ units, sudo }), ...words)
    assert.notEqual(out, '', error)
    // What host-acts.ts prints.
    return JSON.parse(out) as Answer
  }
  const isUp = async (unit: string): Promise<boolean> =>
    (await systemd.run('systemctl', 'is-active', '--', unit)).code === 0
  const install = async (purpose: string): Promise<void> => {
    const text = String((await act('rights', purpose)).result)
    await (sudo ? user.sudoers(text) : user.polkit(text))
  }
  return { user, act, isUp, install }
}

for (const sudo of [true, false]) {
  const who = sudo ? 'sudo' : 'polkit'

  test(`${who} without its lines is one clear error, and nothing is stopped`, options, async () => {
    const { act, isUp } = await startLab(sudo)
    const { failure } = await act('pause', 'web.service')
    assert.deepEqual(
      [failure?.kind, failure?.message],
      ['denied', `${who} does not let this user stop unit web.socket`],
    )
    assert.match(failure?.hint ?? '', /holdfast rights host restore/)
    for (const unit of ['web.socket', 'web.service']) assert.ok(await isUp(unit))
    const found = JSON.stringify((await act('check')).result)
    assert.match(found, sudo ? /sudo does not let this user stop it/ : /not known before it is tried/)
  })

  test(`with the printed lines ${who} lets this user stop and start, and do nothing else`, options, async () => {
    const { user, act, isUp, install } = await startLab(sudo)
    await install('restore')
    const { result } = await act('running')
    assert.deepEqual(result, ['web.service', ODD, 'web.socket'])
    // What `running` names.
    const running = result as readonly string[]
    assert.equal((await act('pause', running.join(' '))).failure, undefined)
    for (const unit of running) assert.equal(await isUp(unit), false)
    assert.equal((await act('resume', running.toReversed().join(' '))).failure, undefined)
    for (const unit of running) assert.ok(await isUp(unit))
    assert.doesNotMatch(JSON.stringify((await act('check')).result), /"error"/)
    const more = sudo
      ? [
          ['stop', 'web.service'],
          ['stop', '--', 'web.service', 'other.service'],
        ]
      : []
    for (const words of [...OTHERS, ...more]) {
      const { code, error } = await user.run(...(sudo ? ['sudo', '-n'] : []), 'systemctl', ...words)
      assert.notEqual(code, 0, words.join(' '))
      assert.match(error, /password is required|not allowed|authentication|Access denied/, words.join(' '))
    }
    if (sudo) assert.notEqual((await user.run('sudo', '-n', '/bin/sh', '-c', ':')).code, 0)
    assert.ok(await isUp('other.service'))
  })

  test(`with the lines of a guardian ${who} lets this user start, and not stop`, options, async () => {
    const { act, isUp, install } = await startLab(sudo)
    await install('guardian')
    assert.equal((await act('pause', 'web.service')).failure?.kind, 'denied')
    await systemd?.run('systemctl', 'stop', '--', ODD)
    assert.equal((await act('resume', ODD)).failure, undefined)
    assert.ok(await isUp(ODD))
  })
}
