import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitList } from './split-list.ts'

const LINES = {
  table: '215; 1259 16389 TABLE shop orders owner',
  rows: '3400; 0 16389 TABLE DATA shop orders owner',
  first: '3250; 1259 16400 INDEX shop a_first owner',
  commentOfFirst: '3410; 0 0 COMMENT shop INDEX a_first owner',
  key: '3255; 2606 16401 CONSTRAINT shop orders orders_pkey owner',
  commentOfKey: '3411; 0 0 COMMENT shop CONSTRAINT orders_pkey ON orders owner',
  spaced: '3256; 1259 16402 INDEX shop orders by day owner',
  sameOid: '3257; 1259 16401 INDEX shop another owner',
  reference: '3260; 2606 16403 FK CONSTRAINT shop orders orders_customer owner',
}
const list = Object.values(LINES).join('\n')
const entry = (catalog: number, oid: number) => ({ catalog, oid })
const index = (oid: number) => entry(1259, oid)
const constraint = (oid: number) => entry(2606, oid)
const orders = { schema: 'shop', table: 'orders', early: true }

test('indexes and constraints are found by catalog and oid; the rest keeps its order', () => {
  const { early, late, rest } = splitList(list, [{ ...orders, entries: [index(16402), constraint(16401)] }])
  assert.deepEqual([...early], [['"shop"."orders"', [LINES.key, LINES.spaced].join('\n')]])
  assert.deepEqual(late, [])
  const left = Object.values(LINES).filter((line) => ![LINES.key, LINES.spaced].includes(line))
  assert.equal(rest, left.join('\n'))
})

test('those of tables whose indexes wait are in lists of their own', () => {
  const other = { ...orders, table: 'others', early: false, entries: [index(16401)] }
  const { early, late, rest } = splitList(list, [other, { ...orders, early: false, entries: [index(16402)] }])
  assert.deepEqual([early.size, late], [0, [LINES.sameOid, LINES.spaced]])
  assert.ok(!rest.includes(LINES.sameOid) && !rest.includes(LINES.spaced))
})

test('the first index or constraint waits, so that a comment that follows it is not taken for part of the rows', () => {
  const { early, rest } = splitList(list, [{ ...orders, entries: [index(16400)] }])
  assert.equal(early.size, 0)
  assert.equal(rest, list)
})

test('nothing else is moved, whatever a point says', () => {
  const entries = [constraint(16403), index(16389), entry(0, 16389), index(1)]
  const { early, rest } = splitList(list, [{ ...orders, entries }])
  assert.equal(early.size, 0)
  assert.equal(rest, list)
})
