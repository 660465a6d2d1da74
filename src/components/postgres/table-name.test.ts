import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTableName } from './table-name.ts'

const CASES: readonly (readonly [string, readonly [string, string] | undefined])[] = [
  ['public.events', ['public', 'events']],
  ['Public.Events_2', ['public', 'events_2']],
  ['"Audit Log"."Events"', ['Audit Log', 'Events']],
  ['audit."a.b ""c"""', ['audit', 'a.b "c"']],
  ['größe.straße', ['größe', 'straße']],
  ['events', undefined],
  ['a.b.c', undefined],
  ['public.', undefined],
  ['public."events', undefined],
  ['public.1st', undefined],
  ['public. events', undefined],
]

for (const [text, expected] of CASES)
  test(`reads ${text}`, () => {
    const found = parseTableName(text)
    assert.deepEqual(found === undefined ? undefined : [found.schema, found.table], expected)
  })
