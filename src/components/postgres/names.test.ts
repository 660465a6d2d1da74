import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { restoreNames } from './names.ts'

test('a short name is kept whole and only gets a suffix', () => {
  assert.deepEqual(restoreNames('authentik', '1a2b3c4d'), {
    live: 'authentik',
    side: 'authentik__r_1a2b3c4d',
    reference: 'authentik__ref_1a2b3c4d',
    previous: 'authentik__prev_1a2b3c4d',
    undone: 'authentik__undone_1a2b3c4d',
  })
})

test('a name that fills the limit exactly is not cut', () => {
  const base = 'a'.repeat(63 - '__r_1a2b3c4d'.length)
  assert.equal(restoreNames(base, '1a2b3c4d').side, `${base}__r_1a2b3c4d`)
  assert.notEqual(restoreNames(`${base}b`, '1a2b3c4d').side, `${base}b__r_1a2b3c4d`)
})

test('long names stay within 63 bytes, end at a character, and stay apart', () => {
  for (const character of ['x', 'é', '漢', '😀']) {
    const base = character.repeat(Math.floor(63 / Buffer.byteLength(character)))
    for (const name of Object.values(restoreNames(base, '1a2b3c4d'))) {
      assert.ok(Buffer.byteLength(name) <= 63, name)
      assert.equal(Buffer.from(name).toString('utf8'), name)
      assert.ok(!name.includes('\uFFFD'), name)
    }
  }
  const one = restoreNames(`${'x'.repeat(62)}1`, '1a2b3c4d')
  const two = restoreNames(`${'x'.repeat(62)}2`, '1a2b3c4d')
  assert.notEqual(one.side, two.side)
  assert.notEqual(one.previous, two.previous)
})

test('names that PostgreSQL would cut and ids of another form are refused', () => {
  assert.throws(
    () => restoreNames('é'.repeat(32), '1a2b3c4d'),
    (error) => isFailure(error, 'usage'),
  )
  assert.throws(
    () => restoreNames('app', '1A2B3C4D'),
    (error) => isFailure(error, 'usage'),
  )
  assert.throws(
    () => restoreNames('app', `1a2b3c4d'`),
    (error) => isFailure(error, 'usage'),
  )
})
