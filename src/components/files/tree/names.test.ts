import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { escapes, isSafeRelative, percentDecoded, percentEncoded, rawOf, shown, walkOrder } from './names.ts'

const rawPath = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => rawOf(Buffer.from(bytes)))

test('percent encoding takes any bytes, gives visible ASCII and comes back', () => {
  fc.assert(
    fc.property(rawPath, (path) => {
      assert.match(percentEncoded(path), /^[\x21-\x7e]+$/)
      assert.equal(percentDecoded(percentEncoded(path)), path)
    }),
  )
})

test('there is one encoding of a name: any other text is refused', () => {
  for (const text of ['a b', '%41', '%ff', '%', 'é', '%2']) assert.equal(percentDecoded(text), undefined, text)
})

test('a path that could leave its folder is not safe', () => {
  for (const path of ['', '/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/./b', 'a\0b'])
    assert.equal(isSafeRelative(path), false, path)
  for (const path of ['a', 'a/b', '...', '..a', 'a..', '.a/b.']) assert.equal(isSafeRelative(path), true, path)
})

test('walk order puts a folder before its content and its content before the next name', () => {
  const sorted = ['.', 'a', 'a/b', 'a/b/c', 'a/c', 'a!', 'a-', 'b', 'ÿ']
  assert.deepEqual([...sorted].reverse().sort(walkOrder), sorted)
})

test('a link escapes when its text leads above the folder', () => {
  for (const [path, target] of [
    ['l', '/etc'],
    ['l', '..'],
    ['d/l', '../..'],
    ['d/l', 'x/../../../d'],
    ['l', './../a'],
  ] as const)
    assert.equal(escapes(path, target), true, target)
  for (const [path, target] of [
    ['l', 'a'],
    ['d/l', '../a'],
    ['d/e/l', '../../a/..'],
    ['l', './a/../b'],
  ] as const)
    assert.equal(escapes(path, target), false, target)
})

test('names are shown on one line without control characters', () => {
  assert.equal(shown(rawOf(Buffer.from('kü'))), 'kü')
  assert.equal(shown('a\nb'), 'a%0Ab')
  assert.equal(shown('\u001b[2J'), '%1B[2J')
})
