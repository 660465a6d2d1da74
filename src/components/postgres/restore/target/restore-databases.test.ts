import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from './restore-databases.ts'
import type { DatabaseRow, RestoreDatabases } from './restore-databases.ts'
import type { Marker } from '../staged/marker.ts'

const ID = '1a2b3c4d'
const times = { database: 'app', at: '2026-11-22T02:00:00.000Z', until: '2026-11-25T02:00:00.000Z' }
const nothing: RestoreDatabases = {
  live: undefined,
  side: undefined,
  reference: undefined,
  previous: undefined,
  undone: undefined,
}

function row(over: Partial<DatabaseRow> = {}): DatabaseRow {
  return {
    name: 'app',
    open: true,
    connectionLimit: -1,
    owner: 'o',
    tablespace: 'pg_default',
    comment: null,
    marker: undefined,
    ...over,
  }
}

function previousOf(restoreId: string): Marker {
  return { ...times, role: 'previous', comment: null, restoreId }
}

test('the state follows from names, marks and whether sessions are accepted', () => {
  assert.equal(stateOf({ ...nothing, live: row() }, ID), 'untouched')
  assert.equal(stateOf(nothing, ID), 'untouched')
  assert.equal(stateOf({ ...nothing, live: row(), side: row() }, ID), 'staged')
  assert.equal(stateOf({ ...nothing, side: row() }, ID), 'staged')
  assert.equal(stateOf({ ...nothing, live: row({ open: false }), side: row() }, ID), 'fenced')
  assert.equal(stateOf({ ...nothing, live: row({ open: false }) }, ID), 'fenced')
  assert.equal(
    stateOf({ ...nothing, live: row({ open: false }), previous: row({ marker: previousOf(ID) }) }, ID),
    'swapped',
  )
  assert.equal(
    stateOf({ ...nothing, live: row({ marker: { ...times, role: 'restored', comment: null, restoreId: ID } }) }, ID),
    'swapped',
  )
})

test('marks of another restore, and a name without a mark, do not count', () => {
  assert.equal(stateOf({ ...nothing, live: row(), previous: row({ marker: previousOf('00000000') }) }, ID), 'untouched')
  assert.equal(stateOf({ ...nothing, live: row(), previous: row() }, ID), 'untouched')
  assert.equal(
    stateOf({ ...nothing, live: row(), undone: row({ marker: { ...times, role: 'undone', restoreId: ID } }) }, ID),
    'untouched',
  )
})
