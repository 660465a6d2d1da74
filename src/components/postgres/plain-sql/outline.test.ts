import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { DumpOutline } from './outline.ts'
import { readOutline } from './outline.ts'

async function* bytesOf(text: string | Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

const outline = (text: string | Buffer): Promise<DumpOutline> => readOutline(bytesOf(text))

const database = (key: string, body: string): string => `--
-- PostgreSQL database dump
--

\\restrict ${key}

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 16.1

SET client_encoding = 'UTF8';
${body}
--
-- PostgreSQL database dump complete
--

\\unrestrict ${key}

`
const ROWS = `CREATE TABLE public.t (a text);
COPY public.t (a) FROM stdin;
-- PostgreSQL database dump complete
it\\\\.
\\.
`
const single = database('K1', ROWS)
const named = (
  name: string,
  connect: string,
): string => `CREATE DATABASE ${name} WITH TEMPLATE = template0 ENCODING = 'LATIN1' LOCALE_PROVIDER = libc LC_COLLATE = 'de_DE' LC_CTYPE = 'C' TABLESPACE = fast;
ALTER DATABASE ${name} OWNER TO alice;
\\unrestrict K2
${connect}
\\restrict K2
${ROWS}`
const cluster = `--
-- PostgreSQL database cluster dump
--
CREATE ROLE alice;
ALTER ROLE alice WITH LOGIN PASSWORD 'md5abc';
\\connect template1
${database('K1', '')}
${database('K2', named('"odd "" name"', `\\encoding SQL_ASCII\n\\connect -reuse-previous=on "dbname='odd "" name'"`))}
${database('K2', named('shop', '\\connect shop'))}
--
-- PostgreSQL database cluster dump complete
--
`

test('a dump of one database has no name unless it makes the database', async () => {
  const found = await outline(single)
  assert.deepEqual(found, {
    isCluster: false,
    major: 16,
    bytes: single.length,
    databases: [{ name: null, creation: undefined, encoding: 'UTF8' }],
  })
  const created = await outline(database('K2', named('shop', '\\connect shop')))
  const locale = `locale_provider = "libc" lc_collate = 'de_DE' lc_ctype = 'C'`
  assert.deepEqual(created.databases, [{ name: 'shop', creation: { encoding: 'LATIN1', locale }, encoding: 'UTF8' }])
})

test('a dump of a server has all its databases, whatever they are called', async () => {
  const found = await outline(cluster)
  assert.equal(found.isCluster, true)
  assert.deepEqual(
    found.databases.map(({ name }) => name),
    ['template1', 'odd " name', 'shop'],
  )
})

for (const [what, text] of [
  ['one database', single],
  ['a server', cluster],
] as const) {
  test(`a dump of ${what} that ends at any byte before its end is refused with a byte`, async () => {
    const whole = text.trimEnd().length - (text === cluster ? '\n--'.length : 0)
    for (let length = 0; length < whole; length += 1) {
      const error: unknown = await outline(text.slice(0, length)).catch((thrown: unknown) => thrown)
      assert.ok(error instanceof Failure, `${length} of ${text.length} bytes were taken`)
      assert.equal(error.kind, 'corrupt', `${length} of ${text.length}: ${error.message}`)
      assert.match(error.message, /^byte \d+: /)
    }
    await outline(text.slice(0, whole))
  })
}

const before = (text: string): string =>
  single.replace('--\n-- PostgreSQL database dump complete', `${text}\n--\n-- PostgreSQL database dump complete`)
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['a shell command', before('\\! id'), /psql would take for the command "\\\\! id"/],
  ['a client copy', before("\\copy t from '/etc/passwd'"), /command/],
  ['a key of shell', before('\\unrestrict `id`'), /command/],
  ['another key', before('\\unrestrict K2'), /without its counterpart/],
  ['a second key', before('\\restrict K2'), /without its counterpart/],
  ['an included file', before('\\i /etc/passwd'), /command/],
  ['an output to a program', before('\\o |id'), /command/],
  ['a conninfo', before('\\connect "host=evil" postgres'), /command/],
  ['an indented command', before('  \\! id'), /a backslash outside of quotes/],
  [
    'another database',
    database('K1', named('shop', '\\connect other').replaceAll('K2', 'K1')),
    /"other" within the dump of database "shop"/,
  ],
  ['a program', before("COPY t FROM PROGRAM 'id';"), /a COPY that does not read rows/],
  [
    'a program after a comment',
    before("COPY/**/t FROM/* from stdin */PROGRAM 'id';"),
    /a COPY that does not read rows/,
  ],
  ['a file', before("COPY t TO '/etc/passwd';"), /a COPY that does not read rows/],
  ['text behind it', `${single}select 1;`, /a statement after the last line/],
  ['a second dump', single + single, /a second dump begins/],
  ['other SQL', 'select 1;', /a statement before the line/],
  ['no SQL at all', '{"a": 1}', /the text ends within the statement/],
  ['a dump within a dump', before('-- PostgreSQL database dump'), /another dump begins before/],
]

for (const [what, text, message] of refused) {
  test(`${what} is refused`, async () => {
    await assert.rejects(
      outline(text),
      (error) => error instanceof Failure && message.test(error.message) && /^byte \d+: /.test(error.message),
    )
  })
}

test('an encoding in which a character can hold a quote is refused', async () => {
  for (const name of ['SJIS', 'big5', 'GBK', 'GB18030', 'Shift_JIS_2004'])
    await assert.rejects(outline(single.replace('UTF8', name)), {
      kind: 'unsupported',
      message: /cannot be split safely/,
    })
  await outline(single.replace('UTF8', 'EUC_JP'))
})
