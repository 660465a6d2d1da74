import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_EXEMPT, sentenceForDump, type WayTaken } from './way.ts'

test('only what needs a search path is said to be refused when a dump is loaded', () => {
  const said = (way: WayTaken['way']): string =>
    sentenceForDump({ name: 'INDEX public i', way, reason: 'why', exempt: NOTHING_EXEMPT })
  assert.match(said('search-path'), /i was made under the search path .*pg_restore and psql refuse it/)
  for (const way of ['not-valid', 'unfilled', 'left-out', 'rows-kept'] as const)
    assert.doesNotMatch(said(way), /pg_restore/, way)
})
