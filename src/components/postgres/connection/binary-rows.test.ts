import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BinaryRows } from './binary-rows.ts'

const HEAD = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const END = Buffer.from([0xff, 0xff])

function row(values: readonly (Uint8Array | null)[]): Buffer {
  const count = Buffer.alloc(2)
  count.writeInt16BE(values.length)
  const parts = values.flatMap((value) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value?.length ?? -1)
    return [length, value ?? Buffer.alloc(0)]
  })
  return Buffer.concat([count, ...parts])
}

/** What is wrong with these bytes when they come in pieces of `size`; empty when nothing is. */
function judge(bytes: Uint8Array, columns: number, size: number): string {
  const rows = new BinaryRows(columns)
  for (let at = 0; at < bytes.length; at += size) {
    const mistake = rows.feed(bytes.subarray(at, at + size))
    if (mistake !== undefined) return mistake
  }
  return rows.isWhole ? '' : 'not whole'
}

const table = fc.integer({ min: 1, max: 4 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc.array(fc.array(fc.option(fc.uint8Array({ maxLength: 40 })), { minLength: columns, maxLength: columns }), {
      maxLength: 6,
    }),
  }),
)

test('whole rows are whole however they are cut, and no shorter piece of them is', () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 50 }), fc.nat(), ({ columns, rows }, size, cut) => {
      const bytes = Buffer.concat([HEAD, ...rows.map(row), END])
      assert.equal(judge(bytes, columns, size), '')
      assert.notEqual(judge(bytes.subarray(0, cut % bytes.length), columns, size), '')
    }),
  )
})

test('what is no rows of these columns is named', () => {
  const one = row([Buffer.from('a')])
  assert.match(judge(Buffer.concat([Buffer.from('x'), HEAD]), 1, 7), /do not begin/)
  assert.match(judge(Buffer.concat([HEAD, one, END]), 2, 7), /1 values for 2 columns/)
  assert.match(judge(Buffer.concat([HEAD, one, END, Buffer.from([0])]), 1, 7), /follows the end/)
  assert.match(judge(Buffer.concat([HEAD, Buffer.from([0, 1, 0xff, 0, 0, 0]), END]), 1, 7), /length/)
})
