import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SqlLexer } from './lexer.ts'
import type { Piece } from './pieces.ts'
import { referenceSplit } from '../testing/reference.ts'

function piecesOf(chunks: readonly Uint8Array[], limit?: number): Piece[] {
  const lexer = new SqlLexer(limit)
  const found: Piece[] = []
  const take = (): void => {
    for (let piece = lexer.next(); piece !== undefined; piece = lexer.next()) found.push(piece)
  }
  for (const chunk of chunks) {
    lexer.push(chunk)
    take()
  }
  lexer.end()
  take()
  return found
}

/** Pieces without what depends on chunks: rows that follow each other are one. */
function plain(pieces: readonly Piece[]): unknown[] {
  const found: { type: string; offset: number; text: string; words?: readonly string[] }[] = []
  for (const piece of pieces) {
    const text = piece.type === 'statement' ? piece.text : piece.type === 'rows' ? piece.rows : undefined
    const line = 'line' in piece ? piece.line : ''
    const last = found.at(-1)
    if (piece.type === 'rows' && last?.type === 'rows') last.text += piece.rows.toString('latin1')
    else
      found.push({
        type: piece.type,
        offset: piece.offset,
        text: text?.toString('latin1') ?? line,
        ...('words' in piece ? { words: piece.words } : {}),
      })
  }
  return found
}

function statementsOf(text: string): string[] {
  return piecesOf([Buffer.from(text)]).flatMap((piece) => (piece.type === 'statement' ? [piece.text.toString()] : []))
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

const nasty = fc.string({
  unit: fc.constantFrom(
    "'",
    '"',
    '\\',
    '$',
    ';',
    '-',
    '/',
    '*',
    '\n',
    ' ',
    '(',
    ')',
    'a',
    'E',
    '$a$',
    'é',
    '--',
    '/*',
    '*/',
  ),
  maxLength: 12,
})
const word = fc.constantFrom(
  'select',
  'E',
  'e1',
  'begin',
  'end',
  'case',
  'create',
  'function',
  'copy',
  'x$y',
  'nom_é',
  'U',
  'n',
)
// The comma keeps it from continuing an E'…' of the line before, in which a backslash would be an escape.
const quoted = nasty.map((text) => `, '${text.replaceAll("'", "''")}'`)
const escaped = nasty.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
const continued = fc
  .tuple(escaped, nasty)
  .map(([first, text]) => `${first} \n '${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
const identifier = nasty.map((text) => `"${text.replaceAll('"', '""')}"`)
const dollar = fc
  .tuple(fc.constantFrom('$$', '$a$', '$fn_1$', '$é$'), nasty)
  .filter(([tag, text]) => !`${text}${tag.slice(0, -1)}`.includes(tag))
  .map(([tag, text]) => `${tag}${text}${tag}`)
const comment = fc.constantFrom('/* ; */', "/* /* ; */ ' */", '-- ; \' "\n', '/**/', '/*/**/*/')
const symbol = fc.constantFrom('+', '-', '/', '*', '=', '$1', '1', ',', '.', '::', '<', '- -', '/ *')
const token = fc.oneof(word, quoted, escaped, continued, identifier, dollar, comment, symbol)
const body = fc.array(token, { minLength: 1, maxLength: 8 }).map((tokens) => tokens.join(' '))
const statement = fc
  .oneof(
    body,
    body.map((text) => `insert into t values (${text} ; ${text})`),
  )
  .map((text) => `do ${text};`)
const between = fc.constantFrom('\n', "\n\n-- a comment ; '\n", ' /* ; /* */ */ ', '\r\n', ';\n')
const texts = fc.array(fc.tuple(between, statement), { maxLength: 6 })

test('statements come out as they went in, wherever the chunks end', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (parts, places) => {
      const text = Buffer.from(parts.map(([before, one]) => before + one).join(''))
      const found = piecesOf(cut(text, places)).flatMap((piece) => (piece.type === 'statement' ? [piece] : []))
      assert.deepEqual(
        found.map((piece) => piece.text.toString()),
        parts.map(([, one]) => one),
      )
      for (const piece of found) assert.ok(text.subarray(piece.offset).indexOf(piece.text) === 0)
    }),
    { numRuns: 2000 },
  )
})

test('it finds what a splitter of the whole text finds', () => {
  const harmless = token.filter((text) => text !== 'create')
  const anything = fc.array(fc.oneof(harmless, between, fc.constantFrom('(', ')', ';')), { maxLength: 30 })
  let compared = 0
  fc.assert(
    fc.property(anything, fc.nat(), (parts, place) => {
      const bytes = Buffer.from(`${parts.join(' ')}\n${')'.repeat(30)};`)
      const found = piecesOf(cut(bytes, [place])).flatMap((piece) =>
        piece.type === 'statement' ? [{ offset: piece.offset, text: piece.text.toString('latin1') }] : [],
      )
      assert.deepEqual(found, referenceSplit(bytes.toString('latin1')))
      compared += found.length
    }),
    { numRuns: 2000 },
  )
  assert.ok(compared > 2000, `only ${compared} statements were compared`)
})

const dump = Buffer.from(
  `\uFEFF-- PostgreSQL database dump\r\n\\restrict Abc1\r\nset a = 1;\r\ncopy public.t (a, "b;") from stdin;\r\n1\t\\\\.\r\n\\\\.\t2\r\n\\.\r\n\r\nCOPY "from" FROM STDIN;\n\\.\nselect 1;\n\\unrestrict Abc1\n-- last`,
)

test('rows, commands and comments are found wherever the chunks end', () => {
  const whole = plain(piecesOf([dump]))
  assert.deepEqual(
    whole.map((piece) => [(piece as { type: string }).type, (piece as { text: string }).text]),
    [
      ['comment', '-- PostgreSQL database dump'],
      ['command', '\\restrict Abc1'],
      ['statement', 'set a = 1;'],
      ['statement', 'copy public.t (a, "b;") from stdin;'],
      ['rows', '1\t\\\\.\r\n\\\\.\t2\r\n'],
      ['rowsEnd', ''],
      ['statement', 'COPY "from" FROM STDIN;'],
      ['rowsEnd', ''],
      ['statement', 'select 1;'],
      ['command', '\\unrestrict Abc1'],
      ['comment', '-- last'],
    ],
  )
  for (let at = 0; at <= dump.length; at += 1) assert.deepEqual(plain(piecesOf(cut(dump, [at]))), whole, `cut at ${at}`)
  assert.deepEqual(plain(piecesOf([...dump].map((byte) => Buffer.from([byte])))), whole)
})

test('a semicolon in a routine of SQL does not end it', () => {
  const routine = `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;`
  const procedure = `create procedure "begin"(a int) begin atomic insert into t values (a); end;`
  const others = [
    'BEGIN;',
    'create table "case" (begin int);',
    'END;',
    'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);',
  ]
  assert.deepEqual(statementsOf([routine, procedure, ...others].join('\n')), [routine, procedure, ...others])
})

test('backslashes escape in plain strings only while the dump says so', () => {
  const text = `set standard_conforming_strings = off; select '\\';'; set standard_conforming_strings = on; select '\\'; select b'\\';`
  assert.deepEqual(statementsOf(text).slice(1, 5), [
    "select '\\';';",
    'set standard_conforming_strings = on;',
    "select '\\';",
    "select b'\\';",
  ])
})

const refused: readonly (readonly [string, string, RegExp, string?])[] = [
  ['a backslash within a statement', 'select 1 \\gexec\n;', /^byte 9: a backslash outside of quotes/, 'refused'],
  ['a backslash behind a statement', 'select 1; \\! id\n', /^byte 10: a backslash/, 'refused'],
  ['a zero byte', "select '\0';", /^byte 8: a zero byte/, 'refused'],
  ['text behind COPY', 'copy t from stdin; select 1;\n\\.\n', /^byte 19: text between a COPY/, 'refused'],
  ['a half string', "select 1; select 'a", /^byte 19: the text ends within a quoted string that begins at byte 17/],
  ['a half dollar quote', 'do $a$ begin $b$ $', /within a dollar-quoted string that begins at byte 3/],
  ['a half comment', 'select 1; /* /* */', /within a comment that begins at byte 10/],
  ['a half name', 'select "a""', /within a quoted name/],
  ['a statement without its end', 'select 1', /within the statement that begins at byte 0/],
  ['rows without their end', 'copy t from stdin;\n1\n2\n', /^byte 23: the text ends within the rows/],
  ['a COPY without rows', 'copy t from stdin;', /within the rows/],
  ['rows with half an end', 'copy t from stdin;\n1\n\\', /within the rows/],
  ['an end line that goes on', 'copy t from stdin;\n1\n\\.x\n', /^byte 21: the end line of COPY rows goes on/],
]

for (const [name, text, message, kind = 'corrupt'] of refused) {
  test(`${name} is refused, wherever the chunks end`, () => {
    const bytes = Buffer.from(text)
    for (let at = 0; at <= bytes.length; at += 1) assert.throws(() => piecesOf(cut(bytes, [at])), { kind, message })
  })
}

test('a statement over the limit is refused, also one that is still coming', () => {
  const long = Buffer.from(`select '${'x'.repeat(2000)}';`)
  assert.throws(() => piecesOf([long], 1000), {
    kind: 'refused',
    message: /^byte 0: a statement of more than 1000 bytes/,
  })
  assert.throws(() => piecesOf(cut(long.subarray(0, -2), [500, 900, 1400, 1600]), 1000), /more than 1000 bytes/)
  assert.equal(piecesOf([long], 3000).length, 1)
})

test('a long statement in small chunks is not copied with each of them', () => {
  const lexer = new SqlLexer()
  const started = performance.now()
  const chunk = Buffer.alloc(1024, 'x')
  lexer.push(Buffer.from("select '"))
  for (let count = 0; count < 30_000; count += 1) {
    assert.equal(lexer.next(), undefined)
    lexer.push(chunk)
  }
  lexer.push(Buffer.from("';"))
  const piece = lexer.next()
  assert.equal(piece?.type === 'statement' ? piece.text.length : 0, 30_000 * 1024 + 10)
  assert.ok(performance.now() - started < 20_000)
})
