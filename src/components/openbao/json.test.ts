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
