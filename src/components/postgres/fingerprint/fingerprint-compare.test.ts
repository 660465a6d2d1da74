import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareFingerprints, wordedOtherwise } from './fingerprint-compare.ts'
import type { Fingerprint } from '../schema.ts'

const EXPECTED: Fingerprint = {
  tables: [
    { name: 'public.users', rows: '3', hash: '100' },
    { name: 'public.logs', rows: '5', hash: '200' },
  ],
  sequences: [{ name: 'public.ids', lastValue: '10', isCalled: true }],
  largeObjects: [{ oid: 7, size: '20', hash: '300' }],
  extensions: [{ name: 'pgcrypto', version: '1.3' }],
  objects: [{ name: 'INDEX public users_email', definition: 'aa' }],
  definitionsBy: 15,
}

const PLPGSQL = { name: 'plpgsql', version: '1.0' }

function compare(found: Partial<Fingerprint>, sameDefinitions = true, expected = EXPECTED): string[] {
  const differences = compareFingerprints(expected, { ...expected, ...found }, { sameDefinitions })
  return differences.map((one) => `${one.subject}: ${one.expected} / ${one.found}`)
}

const [users, logs] = EXPECTED.tables as [Fingerprint['tables'][number], Fingerprint['tables'][number]]

const CASES: readonly (readonly [string, Partial<Fingerprint>, readonly string[]])[] = [
  ['nothing', {}, []],
  ['another order', { tables: [logs, users] }, []],
  ['a missing row', { tables: [{ ...users, rows: '2', hash: '1' }, logs] }, ['rows of public.users: 3 / 2']],
  [
    'changed content',
    { tables: [{ ...users, hash: '1' }, logs] },
    ['content of public.users: 3 rows, as captured / 3 rows, not the same'],
  ],
  ['a missing table', { tables: [users] }, ['table public.logs: present / absent']],
  [
    'a table too many',
    { tables: [users, logs, { ...users, name: 'public.more' }] },
    ['table public.more: absent / present'],
  ],
  [
    'a sequence behind',
    { sequences: [{ name: 'public.ids', lastValue: '9', isCalled: true }] },
    ['sequence public.ids: 10 / 9'],
  ],
  [
    'a sequence not used',
    { sequences: [{ name: 'public.ids', lastValue: '10', isCalled: false }] },
    ['sequence public.ids: 10 / 10, not used yet'],
  ],
  ['a missing sequence', { sequences: [] }, ['sequence public.ids: present / absent']],
  [
    'a shorter large object',
    { largeObjects: [{ oid: 7, size: '19', hash: '1' }] },
    ['size of large object 7: 20 / 19'],
  ],
  [
    'a changed large object',
    { largeObjects: [{ oid: 7, size: '20', hash: '1' }] },
    ['content of large object 7: 20 bytes, as captured / 20 bytes, not the same'],
  ],
  ['a missing large object', { largeObjects: [] }, ['large object 7: present / absent']],
  [
    'another extension version',
    { extensions: [{ name: 'pgcrypto', version: '1.4' }] },
    ['version of extension pgcrypto: 1.3 / 1.4'],
  ],
  ['the language of every new database', { extensions: [...EXPECTED.extensions, PLPGSQL] }, []],
  [
    'the language made anew by somebody',
    { objects: [...EXPECTED.objects, { name: 'EXTENSION plpgsql', definition: 'aa' }] },
    [],
  ],
  ['a missing extension', { extensions: [] }, ['extension pgcrypto: present / absent']],
  [
    'another definition',
    { objects: [{ name: 'INDEX public users_email', definition: 'bb' }] },
    ['definition of INDEX public users_email: as captured / another definition'],
  ],
  ['a missing object', { objects: [] }, ['INDEX public users_email: present / absent']],
]

for (const [what, found, differences] of CASES)
  test(`finds ${what}`, () => assert.deepEqual(compare(found), differences))

test('between majors, wordings and extension versions differ rightly, but nothing may be missing', () => {
  const other = {
    extensions: [{ name: 'pgcrypto', version: '1.4' }],
    objects: [{ name: 'INDEX public users_email', definition: 'bb' }],
  }
  assert.deepEqual(compare(other, false), [])
  assert.deepEqual(compare({ extensions: [], objects: [] }, false), [
    'extension pgcrypto: present / absent',
    'INDEX public users_email: present / absent',
  ])
})

test('a sequence that moved during the dump may be anywhere on its way, in either direction', () => {
  const moved = (lastValue: string, until: string): Fingerprint => ({
    ...EXPECTED,
    sequences: [{ name: 'public.ids', lastValue, isCalled: true, until }],
  })
  const at = (lastValue: string): Partial<Fingerprint> => ({
    sequences: [{ name: 'public.ids', lastValue, isCalled: true }],
  })
  for (const value of ['10', '12', '15']) assert.deepEqual(compare(at(value), true, moved('10', '15')), [])
  for (const value of ['9', '16'])
    assert.deepEqual(compare(at(value), true, moved('10', '15')), [`sequence public.ids: from 10 to 15 / ${value}`])
  assert.deepEqual(compare(at('-12'), true, moved('-10', '-15')), [])
  assert.deepEqual(compare(at('9007199254740993'), true, moved('9007199254740994', '9007199254740999')).length, 1)
})

test('a comment that pg_dump mentions from 15 on is no difference to an older one, and one between newer ones', () => {
  const comment = { name: 'COMMENT SCHEMA "public"', definition: 'bb' }
  const found = { objects: [...EXPECTED.objects, comment], definitionsBy: 18 }
  assert.deepEqual(compare(found, false, { ...EXPECTED, definitionsBy: 14 }), [])
  const closed = { name: 'ACL SCHEMA "public"', definition: 'cc' }
  const older = { ...EXPECTED, objects: [...EXPECTED.objects, closed], definitionsBy: 14 }
  assert.deepEqual(compare(found, false, older), [])
  assert.deepEqual(compare(found, false), ['COMMENT SCHEMA "public": absent / present'])
})

test('where content was left to drills only counts are compared; what was read must be found', () => {
  const counted: Fingerprint = {
    ...EXPECTED,
    counted: true,
    tables: EXPECTED.tables.map(({ name, rows }) => ({ name, rows })),
    largeObjects: [{ oid: 7 }],
  }
  assert.deepEqual(compare({ tables: [{ ...users, hash: '1' }, logs] }, true, counted), [])
  assert.deepEqual(compare({ tables: [{ ...users, rows: '2' }, logs], largeObjects: [] }, true, counted), [
    'rows of public.users: 3 / 2',
    'large object 7: present / absent',
  ])
  assert.deepEqual(compare({ tables: counted.tables, largeObjects: counted.largeObjects }), [
    'content of public.users: 3 rows, as captured / absent',
    'content of public.logs: 5 rows, as captured / absent',
    'size of large object 7: 20 / absent',
  ])
})

test('an object uses another operator than it did, though its text is the same', () => {
  const name = 'INDEX public users_email'
  const on = (...names: string[]) => names.map((one) => ({ kind: 'operator', schema: 'public', name: one }))
  const expected = { ...EXPECTED, depends: [{ name, on: on('a', 'b') }] }
  assert.deepEqual(compare({}, true, expected), [])
  assert.deepEqual(compare({ depends: [{ name, on: on('a', 'c') }] }, false, expected), [
    `what ${name} uses: operator b / operator c`,
  ])
  assert.deepEqual(compare({ depends: [] }, true, expected), [
    `what ${name} uses: operator a, operator b / what is built in`,
  ])
  assert.deepEqual(compare({ depends: expected.depends }, true, { ...EXPECTED, depends: [] }), [
    `what ${name} uses: what is built in / operator a, operator b`,
  ])
  assert.deepEqual(compare({ depends: [] }, true, EXPECTED), [], 'the point does not say')
  const moved = { ...expected, objects: [{ name, definition: 'aa', moved: true }] }
  assert.deepEqual(compare({ depends: [] }, true, moved), [])
  assert.deepEqual(compare({ objects: [], depends: [] }, true, expected), [`${name}: present / absent`])
})

test('a definition is compared with how the server words the captured one', () => {
  const [index] = EXPECTED.objects as [Fingerprint['objects'][number]]
  const found = { ...EXPECTED, objects: [{ ...index, definition: 'bb' }] }
  const differences = (word: string, sameDefinitions = true) =>
    compareFingerprints(EXPECTED, found, {
      sameDefinitions,
      reference: new Map([[index.name, { ...index, definition: word }]]),
    }).length
  assert.deepEqual([...wordedOtherwise(EXPECTED, found)], [index.name])
  assert.deepEqual([...wordedOtherwise(EXPECTED, EXPECTED)], [])
  assert.deepEqual(
    [differences('bb'), differences('cc'), differences('bb', false), differences('cc', false)],
    [0, 1, 0, 1],
  )
  const unproven = compareFingerprints(EXPECTED, found, { sameDefinitions: false, reference: new Map() })
  assert.equal(unproven.length, 1, 'the dump does not hold what the fingerprint says')
})
