import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import type { Bytes } from '../core/ports.ts'
import { collect, discard, inPieces, untilCancelled } from './streams.ts'
import { never, patternedBytes, streamed } from './testing/bodies.ts'

async function piecesOf(length: number, chunk: number, sizeOf: (index: number) => number): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for await (const piece of inPieces(streamed(patternedBytes(length), chunk), sizeOf)) pieces.push(piece)
  return pieces
}

test('pieces have the sizes that were asked for, and together the bytes of the stream', async () => {
  for (const length of [0, 1, 9, 10, 11, 20, 29, 30, 31, 100]) {
    for (const chunk of [1, 3, 10, 64]) {
      const pieces = await piecesOf(length, chunk, (index) => (index === 0 ? 10 : 20))
      assert.deepEqual(Buffer.concat(pieces), patternedBytes(length))
      for (const [index, piece] of pieces.entries()) {
        const full = index === 0 ? 10 : 20
        assert.ok(index === pieces.length - 1 ? piece.length > 0 && piece.length <= full : piece.length === full)
      }
    }
  }
})

test('a producer is ended when its reader leaves early or is cancelled', async () => {
  for (const leave of ['break', 'cancel'] as const) {
    const controller = new AbortController()
    let isEnded = false
    async function* producer(): Bytes {
      try {
        for (;;) yield await setImmediate(Buffer.from('x'))
      } finally {
        isEnded = true
      }
    }
    const read = async (): Promise<void> => {
      for await (const chunk of untilCancelled(producer(), controller.signal, 'read')) {
        assert.equal(chunk.length, 1)
        if (leave === 'break') break
        controller.abort()
      }
    }
    await read().catch((error: unknown) => assert.match(String(error), /read was cancelled/))
    assert.ok(isEnded, leave)
  }
})

test('a silent producer that wakes up after the cancellation is ended then', async () => {
  const controller = new AbortController()
  let wake: (() => void) | undefined
  let isEnded = false
  async function* producer(): Bytes {
    try {
      await new Promise<void>((resolve) => (wake = resolve))
      yield Buffer.from('late')
    } finally {
      isEnded = true
    }
  }
  const reading = collect(untilCancelled(producer(), controller.signal, 'read'))
  await setImmediate()
  controller.abort()
  await assert.rejects(reading, { kind: 'cancelled' })
  wake?.()
  await setImmediate()
  assert.ok(isEnded)
})

test('the error of a producer is thrown as it is', async () => {
  const error = new Error('broken')
  async function* producer(): Bytes {
    yield Buffer.from('x')
    throw error
  }
  await assert.rejects(collect(untilCancelled(producer(), never, 'read')), (thrown) => thrown === error)
})

test('a producer whose bytes are not wanted is started and ended', async () => {
  const seen: string[] = []
  async function* producer(): Bytes {
    try {
      seen.push('started')
      yield Buffer.from('x')
      seen.push('asked again')
    } finally {
      seen.push('ended')
    }
  }
  await discard(producer(), never, 'put')
  assert.deepEqual(seen, ['started', 'ended'])
})
