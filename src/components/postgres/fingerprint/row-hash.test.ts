import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { RowSum } from './row-hash.ts'

const ROWS = ['1\tone', '', '\\N\ttwo\\nlines', 'é'.repeat(5000)]

function sumOf(text: string, pieceLength: number): ReturnType<RowSum['result']> {
  const bytes = Buffer.from(text)
  const sum = new RowSum()
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceLength))
    sum.add(piece)
    // Whoever reads overwrites it with the next.
    piece.fill(0)
  }
  return sum.result()
}

test('rows are summed up in whatever pieces and order they come', () => {
  const text = `${ROWS.join('\n')}\n`
  const first8 = (row: string): bigint => createHash('sha256').update(row).digest().readBigUInt64BE(0)
  const expected = { rows: '4', hash: String(ROWS.reduce((sum, row) => sum + first8(row), 0n)) }
  for (const length of [1, 7, 64, 1_000_000]) assert.deepEqual(sumOf(text, length), expected)
  assert.deepEqual(sumOf(`${ROWS.toReversed().join('\n')}\n`, 5), expected)
})

test('a value that moves to another row, a row that is there twice and one that is changed give another sum', () => {
  const sums = ['a\tb\nc\td\n', 'a\td\nc\tb\n', 'a\tb\na\tb\n', 'a\tb\nc\tD\n'].map((text) => sumOf(text, 3).hash)
  assert.equal(new Set(sums).size, sums.length)
  assert.deepEqual(sumOf('', 1), { rows: '0', hash: '0' })
})
