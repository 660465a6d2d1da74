import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sequencesQuery, tableHashQuery } from './table-hash.ts'

test('only types whose equality is that of their text are hashed as they are', () => {
  const query = tableHashQuery(
    'public.t',
    [
      { name: 'id', type: 'int8' },
      { name: 'label', type: 'text' },
      { name: 'fixed', type: 'bpchar' },
      { name: 'amount', type: 'numeric' },
      { name: 'own "type"', type: '' },
    ],
    'UTF8',
  )
  assert.match(
    query,
    /row\(t\."id", t\."label" collate "C", case when .* pg_catalog\.format\('%s', t\."fixed"\) end collate "C", pg_catalog\.numeric_send\(t\."amount"\), case when .*, t\."own ""type"""\) end collate "C"\)/,
  )
  assert.doesNotMatch(query, /::text collate/)
  assert.match(query, /from only public\.t t/)
})

test('what is converted when it is sent is hashed as text where the database has another encoding', () => {
  const columns = [
    { name: 'labels', type: '_text' },
    { name: 'colour', type: 'enum' },
  ]
  assert.match(tableHashQuery('public.t', columns, 'UTF8'), /array_send\(t\."labels"\).*enum_send\(t\."colour"\)/)
  assert.doesNotMatch(tableHashQuery('public.t', columns, 'LATIN1'), /_send/)
})

test('a table without columns still has rows', () => {
  assert.equal(
    tableHashQuery('public.t', [], 'UTF8'),
    'select count(*)::text as rows, (0)::text as hash from only public.t t ',
  )
})

test('names of sequences are quoted both as text and as names', () => {
  assert.equal(
    sequencesQuery([{ name: `public."it's"` }]),
    `select 'public."it''s"' as name, last_value::text as "lastValue", is_called as "isCalled" from public."it's"`,
  )
})
