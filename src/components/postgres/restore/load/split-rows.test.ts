import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitRows } from './split-rows.ts'

const LIST = `;
215; 1259 16400 TABLE public orders shop
3359; 0 16400 TABLE DATA public orders shop
3360; 0 16401 TABLE DATA public odd  name shop
3361; 0 16402 TABLE DATA other orders keeper
3362; 0 0 SEQUENCE SET public orders shop`

const rights = { insert: true, usage: true }

test('rows of a table that its owner loads are in a list of their own, all else stays in order', () => {
  const tables = [
    { schema: 'public', table: 'odd\n name', owner: 'shop', ...rights },
    { schema: 'other', table: 'orders', owner: 'keeper', ...rights },
  ]
  const { plain, byOwner } = splitRows(LIST, tables)
  assert.deepEqual(
    plain.split('\n').map((line) => line.split(';')[0]),
    ['', '215', '3359', '3362'],
  )
  assert.deepEqual(
    [...byOwner].map(([owner, lines]) => [owner, lines.split(';')[0]]),
    [
      ['shop', '3360'],
      ['keeper', '3361'],
    ],
  )
})

test('a table of another owner or schema is another table', () => {
  const tables = [{ schema: 'public', table: 'orders', owner: 'keeper', ...rights }]
  assert.deepEqual(splitRows(LIST, tables), { plain: LIST, byOwner: new Map() })
})
