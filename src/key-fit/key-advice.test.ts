import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyAdvice, type KeySide } from './key-advice.ts'
import type { Verdict } from './verdict.ts'

const side = (where: string, verdict: Verdict, fingerprint: string | null): KeySide => ({
  where,
  verdict,
  keys: [{ name: 'configKey', fingerprint }],
})
const host = (verdict: Verdict, fingerprint: string | null = 'aaaa'): KeySide =>
  side('on this host', verdict, fingerprint)
const point = (verdict: Verdict, fingerprint: string | null = 'bbbb'): KeySide =>
  side('in the point', verdict, fingerprint)

const cases: readonly [what: string, wrong: KeySide, other: KeySide, said: RegExp][] = [
  [
    'the host has a wrong key',
    host('does-not-fit'),
    point('fits'),
    /^The key on this host is wrong, and the one in the point is right\./,
  ],
  [
    'the host has none',
    host('absent', null),
    point('fits'),
    /^The key on this host is missing, and the one in the point is right\..*absent.*bbbb/,
  ],
  [
    'the point has a wrong key',
    point('mixed'),
    host('fits'),
    /^The key in the point is wrong, and the one on this host is right\./,
  ],
  ['both are wrong', point('does-not-fit'), host('does-not-fit'), /^Neither key is right/],
  ['the same key, data under another', host('does-not-fit'), point('fits', 'aaaa'), /data is under another one now/],
  ['the same wrong key', host('does-not-fit'), point('does-not-fit', 'aaaa'), /wrong in both/],
  ['no key in either', host('absent', null), point('absent', null), /in neither place: look .* in another/],
  [
    'nothing is proven of the other',
    host('does-not-fit'),
    point('not-provable'),
    /nothing proves the one in the point/,
  ],
]
for (const [what, wrong, other, said] of cases)
  test(what, () => {
    assert.match(keyAdvice(wrong, other) ?? '', said)
    assert.match(keyAdvice(wrong, other) ?? '', /configKey/)
  })

test('nothing is advised where nothing is wrong, or nothing is known', () => {
  assert.equal(keyAdvice(host('fits'), point('fits')), undefined)
  assert.equal(keyAdvice(host('not-provable'), point('fits')), undefined)
  assert.equal(keyAdvice(host('does-not-fit'), undefined), undefined)
})
