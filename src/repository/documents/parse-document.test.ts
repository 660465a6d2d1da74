import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, jsonValue, property, string } from 'fast-check'
import { z } from 'zod'
import { duplicateKey } from './duplicate-keys.ts'
import { decodeBase64 } from './encoding.ts'
import { DOCUMENT_LIMIT, parseDocument } from './parse-document.ts'

const schema = z.object({ format: z.literal(1), name: z.string() })
const parse = (text: string | Uint8Array): unknown => parseDocument(Buffer.from(text), schema, 'document')

test('a document is parsed and what it has beyond the schema is dropped', () => {
  assert.deepEqual(parse('{"format":1,"name":"ä","extra":{"a":1}}'), { format: 1, name: 'ä' })
})

test('documents that are not what they should be', () => {
  const wrong: Record<string, string | Uint8Array> = {
    'no JSON': '{"format":1',
    'trailing text': '{"format":1,"name":"a"} x',
    'byte order mark': '\ufeff{"format":1,"name":"a"}',
    'no UTF-8': Buffer.concat([Buffer.from('{"format":1,"name":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    'a key twice': '{"format":1,"name":"a","name":"a"}',
    'a key twice, once escaped': '{"format":1,"name":"a","n\\u0061me":"b"}',
    'a key twice, deep': '{"format":1,"name":"a","x":[{"y":1,"y":2}]}',
    'a key twice among unknown keys': '{"format":1,"name":"a","x":1,"x":1}',
    'another shape': '{"format":1,"name":5}',
    'no format': '{"name":"a"}',
    'format 0': '{"format":0,"name":"a"}',
    'too long': `{"format":1,"name":"${'a'.repeat(DOCUMENT_LIMIT)}"}`,
    'an array': '[]',
    nothing: '',
  }
  for (const [name, text] of Object.entries(wrong)) assert.throws(() => parse(text), { kind: 'corrupt' }, name)
})

test('a newer format is unsupported, whatever else is in it', () => {
  assert.throws(() => parse('{"format":2,"title":"a"}'), { kind: 'unsupported' })
})

test('what a message quotes is never the document', () => {
  assert.throws(
    () => parse('{"identity":"AGE-SECRET-KEY-1QQ" oops'),
    (error: Error) => !`${error.message}${String(error.cause)}`.includes('SECRET'),
  )
})

test('no JSON that JSON.stringify writes has a key twice, and a repeated one is found at any depth', () => {
  check(
    property(jsonValue(), string(), (value, key) => {
      assert.equal(duplicateKey(JSON.stringify(value)), undefined)
      const twice = `{${JSON.stringify(key)}:${JSON.stringify(value)},${JSON.stringify(key)}:1}`
      assert.equal(duplicateKey(`[{"a":${JSON.stringify(value)}},${twice}]`), key)
    }),
  )
})

test('base64 has one form for its bytes', () => {
  assert.deepEqual(decodeBase64('AAE=', 'x'), Buffer.from([0, 1]))
  for (const text of ['AAE', 'AAF=', 'AA E=', 'AAE=\n', 'AAE==', '-_8=', 'A']) {
    assert.throws(() => decodeBase64(text, 'x'), { kind: 'corrupt' }, text)
  }
})
