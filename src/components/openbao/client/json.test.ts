import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonical, canonicalAsDoubles, parseJson } from './json.ts'

test('numbers keep their text', () => {
  const text = '{"a":1.0,"b":9007199254740993,"c":-0,"d":[1E21,2.50,7],"e":{"f":1e400}}'
  assert.equal(JSON.stringify(parseJson(text)), text)
  assert.equal(canonical(parseJson(text)), text)
})

test('numbers that are the same double are the same only where doubles count', () => {
  const [a, b] = [parseJson('{"n":1.0}'), parseJson('{"n":1}')]
  assert.notEqual(canonical(a), canonical(b))
  assert.equal(canonicalAsDoubles(a), canonicalAsDoubles(b))
})

test('key order does not count; a key such as __proto__ is a key', () => {
  assert.equal(canonical(parseJson('{"b":1,"a":{"d":2,"c":3}}')), canonical(parseJson('{"a":{"c":3,"d":2},"b":1}')))
  assert.notEqual(canonical(parseJson('{"__proto__":1}')), canonical(parseJson('{}')))
})

test('any JSON comes back', () => {
  fc.assert(
    fc.property(
      fc.json(),
      (text) => canonical(parseJson(JSON.stringify(parseJson(text)))) === canonical(parseJson(text)),
    ),
  )
})

test('numbers that keep their text are found wherever they stand', () => {
  const number = fc.constantFrom(
    '1.0',
    '-0',
    '0',
    '7',
    '-12',
    '1e3',
    '-1E+2',
    '123456789012345',
    '1234567890123456',
    '0.10',
  )
  const space = fc.constantFrom('', ' ', '\n\t ')
  fc.assert(
    fc.property(number, space, space, fc.json(), (digits, before, after, other) => {
      for (const text of [
        `${before}${digits}${after}`,
        `[${before}${digits}${after}]`,
        `{"a" :${before}${digits}${after},"b":${other}}`,
        `[${other},${before}${digits}${after}]`,
      ])
        assert.ok(JSON.stringify(parseJson(text)).includes(digits), text)
    }),
  )
})
