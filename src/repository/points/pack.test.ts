import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { Failure } from '../../core/failure.ts'
import { bytesOf, collect, sha256 } from '../documents/bytes.ts'
import { fanOut, pack } from './pack.ts'
import { encodeUnitHeader } from '../streams/unit.ts'
import { unpack } from './unpack.ts'

const LIMIT = 64 * 1024 * 1024
const gather = (content: AsyncIterable<Uint8Array>): Promise<Buffer> => collect(content, LIMIT, 'content')
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function unit(frame: Buffer, plainLength: number): Buffer {
  return Buffer.concat([encodeUnitHeader({ frameLength: frame.length, plainLength }), frame])
}

/** A source that says how far it was read and whether it was closed. */
function observed(
  chunks: number,
  ending?: Error,
  size = 1,
): { stream: AsyncGenerator<Uint8Array>; state: { read: number; closed: boolean } } {
  const state = { read: 0, closed: false }
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      for (; state.read < chunks; state.read += 1) yield Buffer.alloc(size, state.read)
      if (ending !== undefined) throw ending
    } finally {
      state.closed = true
    }
  }
  return { stream: stream(), state }
}

function plainPacked(chunks: number, ending?: Error) {
  const { stream, state } = observed(chunks, ending)
  const spent: number[] = []
  return {
    state,
    spent,
    packed: {
      content: stream,
      totals: () => ({ plainSize: chunks, plainSha256: '' }),
      spent: (chunk: Uint8Array) => void spent.push(chunk[0] ?? -1),
      drop: async () => void (await stream.return(undefined)),
    },
  }
}

test('content of several frames comes back with its length and hash', async () => {
  for (const length of [0, 1, 2 * 1024 * 1024, 5_000_000]) {
    const plain = Buffer.alloc(length, 'abc')
    randomBytes(Math.min(length, 1000)).copy(plain)
    const packed = pack(bytesOf(plain.subarray(0, 7), plain.subarray(7)))
    assert.throws(packed.totals, { kind: 'bug' })
    const content = await gather(packed.content)
    assert.deepEqual(packed.totals(), { plainSize: length, plainSha256: sha256(plain) })
    assert.deepEqual(await gather(unpack(bytesOf(content))), plain)
    if (length === 0) assert.equal(content.length, 0)
  }
})

test('frames stay in order when many are compressed at once', async () => {
  const plain = Buffer.concat([
    Buffer.alloc(2 ** 21, 1),
    randomBytes(2 ** 21),
    Buffer.alloc(2 ** 21, 3),
    randomBytes(2 ** 21),
    Buffer.alloc(9, 5),
  ])
  const content = await gather(pack(bytesOf(plain), { parallel: 5 }).content)
  assert.deepEqual(await gather(unpack(bytesOf(content), 5)), plain)
})

test('units over the limits or that lie about their frame are corrupt', async () => {
  const frame = zstdCompressSync(Buffer.from('hello'))
  const good = unit(frame, 5)
  const skewed = Buffer.from(good)
  skewed[4] = 9
  const damaged: Record<string, Buffer> = {
    'wrong magic': Buffer.concat([Buffer.from([0]), good.subarray(1)]),
    'wrong length of the skippable frame': skewed,
    'plain length 0': unit(frame, 0),
    'plain length too small': unit(frame, 4),
    'plain length too large': unit(frame, 6),
    'plain length above 8 MiB': unit(zstdCompressSync(Buffer.alloc(2 ** 23 + 1)), 2 ** 23 + 1),
    'compressed length above 9 MiB': Buffer.concat([
      encodeUnitHeader({ frameLength: 9 * 2 ** 20 + 1, plainLength: 5 }),
      Buffer.alloc(9 * 2 ** 20 + 1),
    ]),
    'two frames in a unit': unit(Buffer.concat([frame, zstdCompressSync(Buffer.from('more'))]), 5),
    'bytes after the frame': unit(Buffer.concat([frame, Buffer.from([0])]), 5),
    'a cut frame': unit(frame.subarray(0, -1), 5),
    'a cut unit': good.subarray(0, -1),
    'a cut header': Buffer.concat([good, good.subarray(0, 15)]),
    'a bomb': unit(zstdCompressSync(Buffer.alloc(2 ** 26)), 5),
  }
  assert.equal(String(await gather(unpack(bytesOf(good, good)))), 'hellohello')
  for (const [name, bytes] of Object.entries(damaged)) {
    await assert.rejects(gather(unpack(bytesOf(bytes))), { kind: 'corrupt' }, name)
  }
})

test('what the source throws is thrown on, and leaving early closes the source', async () => {
  const failing = observed(3, new Failure('toolFailed', 'pg_dump failed'))
  await assert.rejects(gather(pack(failing.stream).content), { kind: 'toolFailed' })
  const left = observed(1000, undefined, 2 ** 20)
  const packed = pack(left.stream)
  for await (const _chunk of packed.content) break
  assert.equal(left.state.closed, true)
  assert.throws(packed.totals, { kind: 'bug' })
})

test('all copies get everything', async () => {
  const { packed } = plainPacked(50)
  const copies = fanOut(packed, 3)
  const read = await Promise.all(copies.map(({ content }) => gather(content)))
  for (const bytes of read) assert.deepEqual([...bytes], [...Array(50).keys()])
  assert.equal(copies[2]?.totals().plainSize, 50)
})

test('a chunk is spent when the last copy asks for the next, and never before', async () => {
  const { packed, spent } = plainPacked(50)
  const [fast, slow, dropped] = fanOut(packed, 3).map((copy) => ({
    ...copy,
    next: () => copy.content[Symbol.asyncIterator]().next(),
  }))
  await fast!.next()
  await fast!.next()
  await slow!.next()
  await dropped!.drop()
  assert.deepEqual(spent, [], 'one has it, the other not yet asked for the next')
  await slow!.next()
  assert.deepEqual(spent, [0])
  await Promise.all([gather(fast!.content), gather(slow!.content)])
  assert.deepEqual(spent, [...Array(50).keys()])
})

test('what was compressed is given back to the system as it is read, and nothing that is still needed', async () => {
  const plain = randomBytes(5_000_000)
  const packed = pack(bytesOf(plain))
  const copies = fanOut(packed, 2)
  const seen: Uint8Array[] = []
  const read = await Promise.all(
    copies.map(async ({ content }) => {
      const bytes: Buffer[] = []
      for await (const chunk of content) {
        seen.push(chunk)
        await soon()
        bytes.push(Buffer.from(chunk))
      }
      return Buffer.concat(bytes)
    }),
  )
  for (const bytes of read) assert.ok((await gather(unpack(bytesOf(bytes)))).equals(plain))
  const kept = new Set(seen.filter(({ length }) => length > 0).map(({ buffer }) => buffer))
  assert.ok(seen.length > 20 && kept.size <= 2, `${kept.size} buffers of ${seen.length} chunks are kept`)
})

test('the source is read at the pace of the slowest', async () => {
  const { packed, state } = plainPacked(100)
  const [fast, slow] = fanOut(packed, 2)
  const done = gather(fast!.content)
  for (let turn = 0; turn < 20; turn += 1) await soon()
  assert.ok(state.read <= 3, `read ${state.read}`)
  await Promise.all([done, gather(slow!.content)])
})

test('a copy that leaves, or is dropped unread, does not stop the others', async () => {
  const { packed, state } = plainPacked(50)
  const [stays, leaves, dropped] = fanOut(packed, 3)
  const whole = gather(stays!.content)
  const partial = (async () => {
    for await (const _chunk of leaves!.content) break
  })()
  await soon()
  await dropped!.drop()
  await partial
  assert.equal((await whole).length, 50)
  await assert.rejects(gather(dropped!.content), { kind: 'bug' })
  assert.equal(state.closed, true)
})

test('when the last copy leaves, the source is closed', async () => {
  const { packed, state } = plainPacked(50)
  const [left, dropped] = fanOut(packed, 2)
  const reading = (async () => {
    for await (const _chunk of left!.content) break
  })()
  await soon()
  assert.equal(state.closed, false)
  await Promise.all([reading, dropped!.drop()])
  assert.equal(state.closed, true)
})

test('when the source throws, every copy throws', async () => {
  const { packed } = plainPacked(3, new Failure('toolFailed', 'pg_dump failed'))
  const endings = await Promise.allSettled(fanOut(packed, 2).map(({ content }) => gather(content)))
  for (const ending of endings) assert.equal(ending.status === 'rejected' && ending.reason.kind, 'toolFailed')
})
