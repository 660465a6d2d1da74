import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestWord } from './nearest-word.ts'

const keys = ['database', 'host', 'kind', 'password', 'port', 'restorePassword', 'tls', 'user']

const cases: readonly (readonly [string, string | undefined])[] = [
  ['prot', 'port'],
  ['pasword', 'password'],
  ['passwd', 'password'],
  ['restore_password', 'restorePassword'],
  ['HOST', 'host'],
  ['hosts', 'host'],
  ['usr', 'user'],
  ['tsl', 'tls'],
  ['schedule', undefined],
  ['x', undefined],
  ['', undefined],
]

for (const [word, expected] of cases) {
  test(`nearest to "${word}"`, () => assert.equal(nearestWord(word, keys), expected))
}

test('the nearer word wins, and of equally near ones the first', () => {
  assert.equal(nearestWord('weekly', ['daily', 'weekl', 'weekly']), 'weekly')
  assert.equal(nearestWord('bat', ['cat', 'rat']), 'cat')
})

test('long input costs little', () => {
  assert.equal(nearestWord('x'.repeat(1_000_000), keys), undefined)
})
