import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionDiff } from './definition-diffs.ts'

test('a changed line is shown with its neighbours', () => {
  const table = (type: string): string => `CREATE TABLE "t" (\n    "a" integer,\n    "b" ${type},\n    "c" text\n);\n`
  assert.deepEqual(definitionDiff(table('integer'), table('bigint')), [
    '@@ -1,5 +1,5 @@',
    ' CREATE TABLE "t" (',
    '     "a" integer,',
    '-    "b" integer,',
    '+    "b" bigint,',
    '     "c" text',
    ' );',
  ])
})

test('what a terminal would obey is escaped, and what is long is cut and said', () => {
  const [, , added] = definitionDiff('a\n', 'a\u001B[2Jb\t\n')
  assert.equal(added, '+a\\x1b[2Jb\t')
  const many = definitionDiff('', 'x\n'.repeat(400))
  assert.equal(many.length, 201)
  assert.match(many.at(-1) ?? '', /^\(201 more lines\)$/)
})

test('texts that have nothing in common are not compared for long', () => {
  const lines = (letter: string): string => Array.from({ length: 20_000 }, (_, n) => `${letter}${n}\n`).join('')
  assert.deepEqual(definitionDiff(lines('a'), lines('b')), ['(not shown: more than 500 lines differ)'])
})
