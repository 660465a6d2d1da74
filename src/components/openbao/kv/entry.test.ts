import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import { entryLine, parseEntryLine } from './entry.ts'
import type { Entry } from './entry.ts'

const metadata = { maxVersions: 0, casRequired: false, deleteVersionAfter: '0s', custom: null }
const entry: Entry = {
  kv: 2,
  mount: 's',
  path: 'a/b',
  metadata,
  created: 'then',
  updated: 'now',
  current: 3,
  versions: [
    { version: 1, state: 'live', created: 'then', data: { secret: 'hunter2' } },
    { version: 3, state: 'deleted', created: 'then', deleted: 'now' },
  ],
}

test('a line comes back as it was', () => {
  assert.deepEqual(parseEntryLine(entryLine(entry)), entry)
})

test('what no capture writes is corrupt, and is not quoted', () => {
  const wrong = [
    '',
    '{}',
    '"hunter2"',
    entryLine({ ...entry, versions: [...entry.versions].reverse() }),
    entryLine({ ...entry, current: 2 }),
    entryLine(entry).slice(0, -3),
  ]
  for (const line of wrong)
    assert.throws(
      () => parseEntryLine(line),
      (error: unknown) => isFailure(error, 'corrupt') && !error.message.includes('hunter2'),
      line,
    )
})
