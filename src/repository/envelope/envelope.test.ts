import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { assert as check, array, asyncProperty, integer } from 'fast-check'
import { Failure } from '../../core/failure.ts'
import { bytesOf, collect } from '../documents/bytes.ts'
import { seal, type SealRequest } from './seal.ts'
import { unseal, type UnsealRequest } from './unseal.ts'

const request: SealRequest = {
  dataKey: randomBytes(32),
  repository: '000102030405060708090a0b0c0d0e0f',
  point: '101112131415161718191a1b1c1d1e1f',
  number: 7,
  kind: 4,
  compression: 0,
}
const LIMIT = 64 * 1024 * 1024

async function sealed(plain: Uint8Array, changes: Partial<SealRequest> = {}): Promise<Buffer> {
  return collect(seal(bytesOf(plain), { ...request, ...changes }), LIMIT, 'artifact')
}

async function opened(artifact: Uint8Array, changes: Partial<UnsealRequest> = {}): Promise<Buffer> {
  return collect(unseal(bytesOf(artifact), { ...request, ...changes }), LIMIT, 'content')
}

/** How reading ends, and what was released until then. */
async function outcome(
  artifact: Uint8Array,
  changes: Partial<UnsealRequest> = {},
): Promise<{ kind: string; released: Buffer }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of unseal(bytesOf(artifact), { ...request, ...changes })) chunks.push(chunk)
    return { kind: 'ok', released: Buffer.concat(chunks) }
  } catch (error) {
    assert(error instanceof Failure, String(error))
    return { kind: error.kind, released: Buffer.concat(chunks) }
  }
}

async function* inSteps(bytes: Uint8Array, steps: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const step = steps[turn % steps.length] ?? 1
    yield bytes.subarray(offset, offset + step)
    offset += step
  }
}

const lengths = [
  0,
  1,
  16_383,
  16_384,
  16_385,
  16 * 16_384 - 1,
  16 * 16_384,
  16 * 16_384 + 1,
  64 * 16_384,
  70 * 16_384 + 5,
]

test('content of any length comes back, and the length of the artifact is as the format says', async () => {
  for (const length of lengths) {
    const plain = randomBytes(length)
    const artifact = await sealed(plain)
    assert.equal(artifact.length, 112 + length + 16 * (Math.floor(length / 16_384) + 1))
    assert.deepEqual(await opened(artifact), plain)
  }
})

test('the pieces in which a stream comes do not matter', async () => {
  const steps = array(integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 8 })
  await check(
    asyncProperty(integer({ min: 0, max: 80_000 }), steps, steps, async (length, writing, reading) => {
      const plain = randomBytes(length)
      const artifact = await collect(seal(inSteps(plain, writing), request), LIMIT, 'artifact')
      assert.deepEqual(await collect(unseal(inSteps(artifact, reading), request), LIMIT, 'content'), plain)
    }),
    { numRuns: 40 },
  )
})

test('byte by byte', async () => {
  const plain = randomBytes(20_000)
  const artifact = await collect(seal(inSteps(plain, [1]), request), LIMIT, 'artifact')
  assert.deepEqual(await collect(unseal(inSteps(artifact, [1]), request), LIMIT, 'content'), plain)
})

test('no changed byte goes unseen, and nothing of its chunk or of a later one is released', async () => {
  const plain = randomBytes(16_384 * 2 + 100)
  const artifact = await sealed(plain)
  const positions = new Set([
    ...Array(112).keys(),
    111,
    112,
    112 + 16_383,
    112 + 16_384,
    112 + 16_399,
    112 + 16_400,
    artifact.length - 1,
  ])
  for (let count = 0; count < 300; count += 1) positions.add(Math.floor(Math.random() * artifact.length))
  for (const position of positions) {
    const damaged = Buffer.from(artifact)
    damaged[position]! ^= 1 << Math.floor(Math.random() * 8)
    const { kind, released } = await outcome(damaged)
    assert.notEqual(kind, 'ok', `byte ${position}`)
    assert.equal(released.length % 16_384, 0, `byte ${position}`)
    assert.ok(released.length <= Math.max(0, Math.floor((position - 112) / 16_400)) * 16_384, `byte ${position}`)
    assert.deepEqual(released, plain.subarray(0, released.length))
  }
})

test('every truncation and extension is corrupt', async () => {
  for (const length of [0, 5, 16_384, 16_384 + 5]) {
    const artifact = await sealed(randomBytes(length))
    const cuts = new Set([
      0,
      1,
      7,
      8,
      55,
      56,
      111,
      112,
      127,
      128,
      artifact.length - 17,
      artifact.length - 16,
      artifact.length - 1,
    ])
    for (const cut of [...cuts].filter((cut) => cut >= 0 && cut < artifact.length)) {
      assert.equal((await outcome(artifact.subarray(0, cut))).kind, 'corrupt', `${length} cut to ${cut}`)
    }
    for (const extra of [1, 15, 16, 17, 16_400]) {
      assert.equal(
        (await outcome(Buffer.concat([artifact, Buffer.alloc(extra)]))).kind,
        'corrupt',
        `${length} and ${extra}`,
      )
    }
  }
})

test('chunks cannot be swapped, repeated or left out', async () => {
  const artifact = await sealed(randomBytes(16_384 * 3 + 9))
  const prefix = artifact.subarray(0, 112)
  const chunk = (index: number): Buffer => artifact.subarray(112 + index * 16_400, 112 + (index + 1) * 16_400)
  const orders = [[1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3], [0, 1, 2], [3], [1, 2, 3], [0, 1, 2, 3, 3]]
  for (const order of orders) {
    const { kind } = await outcome(Buffer.concat([prefix, ...order.map(chunk)]))
    assert.equal(kind, 'corrupt', order.join())
  }
})

test('an artifact of another place does not open, whatever its header is made to say', async () => {
  const other = { repository: 'f'.repeat(32), point: 'e'.repeat(32), number: 8, kind: 3, compression: 1 } as const
  for (const [field, value] of Object.entries(other)) {
    const artifact = await sealed(randomBytes(50), { [field]: value })
    assert.equal((await outcome(artifact)).kind, 'corrupt', field)
    assert.equal((await outcome(artifact, { [field]: value })).kind, 'ok', field)
    ;(await sealed(Buffer.alloc(0))).copy(artifact, 0, 0, 56)
    assert.equal((await outcome(artifact)).kind, 'denied', `${field} with a forged header`)
  }
})

test('another data key is denied before any chunk is looked at', async () => {
  const artifact = await sealed(randomBytes(50))
  artifact.fill(0, 112)
  const { kind, released } = await outcome(artifact, { dataKey: randomBytes(32) })
  assert.deepEqual([kind, released.length], ['denied', 0])
})

test('what this version does not know is unsupported, before anything else is compared', async () => {
  const artifact = await sealed(randomBytes(50))
  for (const [offset, value] of [
    [8, 2],
    [9, 2],
    [48, 0],
    [48, 7],
    [49, 2],
  ] as const) {
    const newer = Buffer.from(artifact)
    newer[offset] = value
    assert.equal((await outcome(newer, { point: 'e'.repeat(32) })).kind, 'unsupported', `byte ${offset}`)
  }
})

test('a tag of fewer than 16 bytes is no tag', async () => {
  const artifact = await sealed(Buffer.alloc(0))
  for (const length of [4, 8, 12, 15]) {
    assert.equal((await outcome(artifact.subarray(0, 112 + length))).kind, 'corrupt')
  }
})

test('two attempts at one artifact share no byte after the header', async () => {
  const plain = Buffer.alloc(100)
  const [first, second] = [await sealed(plain), await sealed(plain)]
  assert.deepEqual(first.subarray(0, 56), second.subarray(0, 56))
  assert.notDeepEqual(first.subarray(56, 80), second.subarray(56, 80))
  assert.notDeepEqual(first.subarray(112), second.subarray(112))
})

test('what the stream throws is thrown on, and what came out until then is no artifact', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield randomBytes(100 * 16_384)
    throw new Failure('toolFailed', 'pg_dump failed')
  }
  const chunks: Uint8Array[] = []
  await assert.rejects(
    async () => {
      for await (const chunk of seal(failing(), request)) chunks.push(chunk)
    },
    { kind: 'toolFailed' },
  )
  assert.equal((await outcome(Buffer.concat(chunks))).kind, 'corrupt')
})
