import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readToc } from './archive-toc.ts'
import { alikeOf, copiesOf, largeObjectsOf } from './toc-facts.ts'

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt8(value < 0 ? 1 : 0)
  bytes.writeUInt32LE(Math.abs(value), 1)
  return bytes
}

function text(value: string | undefined): Buffer {
  return value === undefined ? integer(-1) : Buffer.concat([integer(value.length), Buffer.from(value, 'latin1')])
}

interface Sample {
  readonly name: string
  readonly description: string
  readonly definition?: string
  readonly copy?: string
  readonly file?: string
}

/** An entry as pg_dump of that minor version of the format writes it. */
function entry(minor: number, { name, description, definition = '', copy = '', file = '' }: Sample): Buffer {
  return Buffer.concat([
    integer(7),
    integer(file === '' ? 0 : 1),
    text('0'),
    text('0'),
    text(name),
    text(description),
    integer(3),
    text(definition),
    text(''),
    text(copy),
    text('public'),
    text(''),
    ...(minor >= 14 ? [text('heap')] : []),
    ...(minor >= 16 ? [integer(114)] : []),
    text('alice'),
    text('false'),
    text('5'),
    text(undefined),
    text(file),
  ])
}

const SAMPLES: readonly Sample[] = [
  { name: '4711', description: 'BLOB' },
  { name: '1..2', description: 'BLOB METADATA', definition: '1\n2\n' },
  { name: 'a', description: 'TABLE DATA', copy: 'COPY public.a ("x,)", y) FROM stdin;\n', file: '1.dat' },
  { name: 'b', description: 'TABLE DATA', copy: 'COPY public.b (x) FROM stdin;\n', file: '2.dat' },
  { name: 'c', description: 'TABLE DATA', copy: 'COPY public.c (p, q) FROM stdin;\n', file: '3.dat' },
]

function tocOf(minor: number): Buffer {
  const head = Buffer.concat([Buffer.from('PGDMP'), Buffer.from([1, minor, 0, 4, 8, 3])])
  const made = Array.from({ length: 7 }, () => integer(1))
  const names = [text('app'), text('17.1'), text('17.1')]
  const compression = minor >= 15 ? Buffer.alloc(1) : integer(-1)
  const entries = SAMPLES.map((sample) => entry(minor, sample))
  return Buffer.concat([head, compression, ...made, ...names, integer(entries.length), ...entries])
}

async function* chunked(bytes: Buffer): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

for (const minor of [13, 14, 15, 16]) {
  test(`a table of contents of version 1.${minor} is read, and refused when it is cut anywhere or goes on`, async () => {
    const bytes = tocOf(minor)
    const toc = await readToc('toc.dat', chunked(bytes), true)
    assert.deepEqual(copiesOf(toc), [
      'COPY public.a ("x,)", y) FROM stdin;',
      'COPY public.b (x) FROM stdin;',
      'COPY public.c (p, q) FROM stdin;',
    ])
    assert.deepEqual(largeObjectsOf(toc), ['4711', '1', '2'])
    assert.deepEqual(alikeOf(toc), ['public.a', 'public.c'])
    for (let length = 0; length < bytes.length; length += 1)
      await assert.rejects(readToc('toc.dat', chunked(bytes.subarray(0, length)), true), { kind: 'corrupt' })
    await assert.rejects(readToc('toc.dat', chunked(Buffer.concat([bytes, Buffer.alloc(1)])), true), {
      kind: 'corrupt',
    })
  })
}

test('a table of contents of a version that nobody knows yet is unsupported', async () => {
  const bytes = tocOf(16)
  bytes.writeUInt8(17, 6)
  await assert.rejects(readToc('toc.dat', chunked(bytes), true), { kind: 'unsupported', message: /1\.17/ })
})
