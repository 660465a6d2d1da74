import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertNoOtherFile } from './other-files.ts'

for (const [begins, what, hint] of [
  ['fffe2d002d000d00', /UTF-16/, /iconv/],
  ['feff002d002d0020', /UTF-16/, /--file/],
  ['2d002d000a002d00', /UTF-16/, /iconv/],
  ['fd377a585a000004', /xz/, /xz -d/],
  ['425a683931415926', /bzip2/, /bzip2 -d/],
  ['504b03041400', /a zip archive/, /unzip/],
  ['377abcaf271c', /7z/, /7z x/],
] as const) {
  test(`${what.source} is named, with what to do`, () => {
    assert.throws(() => assertNoOtherFile('it', Buffer.from(begins, 'hex')), {
      kind: 'unsupported',
      message: what,
      hint,
    })
  })
}

test('what a dump begins with is no other file', () => {
  for (const text of [
    '--\n-- PostgreSQL database dump',
    'PGDMP\x01\x10\0',
    '\\restrict abc',
    '',
    'B',
    '\ufeff--\n',
    'PK',
  ])
    if (text === 'PK') assert.throws(() => assertNoOtherFile('it', Buffer.from(text)))
    else assertNoOtherFile('it', Buffer.from(text))
})
