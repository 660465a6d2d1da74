import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadedTables } from './loaded-tables.ts'

test('each table is given once, also to those who wait for it', async () => {
  const tables = new LoadedTables()
  const [first, second] = [tables.next(), tables.next()]
  tables.add('a')
  tables.add('b')
  tables.add('c')
  const given = await Promise.all([first, second, tables.next()])
  assert.deepEqual(new Set(given), new Set(['a', 'b', 'c']))
  assert.equal(given.length, 3)
})

test('whoever waits learns that there are no more, and what was added before the end is given', async () => {
  const tables = new LoadedTables()
  const [waiting, ended] = [Promise.all([tables.next(), tables.next()]), tables.ended()]
  tables.add('a')
  tables.end()
  assert.deepEqual(new Set(await waiting), new Set(['a', undefined]))
  await ended
  assert.equal(await tables.next(), undefined)
})
