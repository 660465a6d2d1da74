import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { hostRights } from './rights.ts'
import { hostSettings } from './schema.ts'
import { systemctl } from './units.ts'

const UNITS = ['portal@1.service', String.raw`a\x2d:b.service`] as const
const withSudo = hostSettings.parse({ kind: 'host', units: [...UNITS], sudo: true })
const withPolkit = { ...withSudo, sudo: false }

test('sudo is asked for the very words that its lines allow', () => {
  assert.deepEqual(systemctl(withSudo, 'stop', 'portal@1.service'), [
    'sudo',
    '-n',
    'systemctl',
    'stop',
    '--',
    'portal@1.service',
  ])
  const lines = hostRights(withSudo, UNITS, 'restore', 'holdfast').split('\n')
  assert.equal(lines[1], 'holdfast ALL=(root) NOPASSWD: /usr/bin/systemctl stop -- portal@1.service')
  assert.equal(lines.at(-1), String.raw`holdfast ALL=(root) NOPASSWD: /usr/bin/systemctl start -- a\\\\x2d\:b.service`)
})

test('a guardian may start and not stop, and a drill neither', () => {
  for (const settings of [withSudo, withPolkit]) {
    assert.doesNotMatch(hostRights(settings, UNITS, 'guardian', 'holdfast'), /stop/)
    assert.match(hostRights(settings, UNITS, 'guardian', 'holdfast'), /start/)
    assert.doesNotMatch(hostRights(settings, UNITS, 'drill', 'holdfast'), /systemctl|polkit\.Result/)
  }
})

test('the rule of polkit lets this user change these units and nothing else', () => {
  let answer: unknown
  const polkit = { addRule: (rule: unknown) => (answer = rule), Result: { YES: 'yes' } }
  // The rule is a program of its own language, which is JavaScript.
  runInNewContext(hostRights(withPolkit, UNITS, 'restore', 'holdfast'), { polkit })
  const rule = answer as (action: object, subject: object) => unknown
  const asked = (id: string, unit: string, verb: string, user: string): unknown =>
    rule({ id, lookup: (what: string) => (what === 'unit' ? unit : verb) }, { user })
  const manage = 'org.freedesktop.systemd1.manage-units'
  assert.equal(asked(manage, 'portal@1.service', 'stop', 'holdfast'), 'yes')
  for (const [id, unit, verb, user] of [
    ['org.freedesktop.login1.reboot', 'portal@1.service', 'stop', 'holdfast'],
    [manage, 'ssh.service', 'stop', 'holdfast'],
    [manage, 'portal@1.service', 'restart', 'holdfast'],
    [manage, 'portal@1.service', 'stop', 'other'],
  ] as const)
    assert.equal(asked(id, unit, verb, user), undefined)
})
