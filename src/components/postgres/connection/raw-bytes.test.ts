import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasRawBytes, toBytes, toCharacters } from './raw-bytes.ts'

test('any bytes come back as they were, and are text meanwhile', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'binary' }), (bytes, text) => {
      for (const given of [Buffer.from(bytes), Buffer.from(text), Buffer.concat([Buffer.from(text), bytes])]) {
        const characters = toCharacters(given).toString()
        assert.ok(!characters.includes('\uFFFD') || text.includes('\uFFFD'))
        assert.deepEqual(toBytes(Buffer.from(characters)), given)
      }
    }),
  )
})

test('UTF-8 stays as it is, and another byte has a character of its own', () => {
  assert.equal(toCharacters(Buffer.from('é 日本 🎉')).toString(), 'é 日本 🎉')
  assert.equal(toCharacters(Buffer.from('caf\xe9', 'latin1')).toString(), 'caf\uf7e9')
  assert.equal(toBytes(Buffer.from('\uf780\uf7bf\uf7c0\uf7ff')).toString('hex'), '80bfc0ff')
  assert.deepEqual([hasRawBytes('café'), hasRawBytes('caf\uf7e9')], [false, true])
  assert.equal(toBytes(toCharacters(Buffer.from('\uf7e9'))).toString(), '\uf7e9')
})
