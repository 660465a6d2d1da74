import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bytes } from '../../../core/ports.ts'
import { pipeToTool } from './pipe-to-tool.ts'

async function* chunks(count: number, error?: Error): Bytes {
  for (let n = 0; n < count; n++) yield Uint8Array.of(n)
  if (error !== undefined) throw error
}

async function take(input: Bytes, count: number): Promise<void> {
  let taken = 0
  for await (const _ of input) if (++taken === count) return
}

test('what the reader left unread is read, and its failure is the failure of all', async () => {
  const late = new Error('not authentic')
  await assert.rejects(
    pipeToTool(chunks(5, late), (input) => take(input, 2)),
    late,
  )
  await pipeToTool(chunks(5), (input) => take(input, 2))
})

test('a failure of the content wins over the failure it causes, and over a reader that does not notice', async () => {
  const broken = new Error('source broke')
  const consequence = new Error('unexpected end of file')
  await assert.rejects(
    pipeToTool(chunks(2, broken), (input) => take(input, 9).catch(() => Promise.reject(consequence))),
    broken,
  )
  await assert.rejects(
    pipeToTool(chunks(2, broken), (input) => take(input, 9).catch(() => {})),
    broken,
  )
})

test('a failure of the reader is thrown, and the content is ended', async () => {
  let ended = false
  const refused = new Error('no such table')
  async function* content(): Bytes {
    try {
      yield* chunks(9)
    } finally {
      ended = true
    }
  }
  await assert.rejects(
    pipeToTool(content(), async (input) => {
      await take(input, 1)
      throw refused
    }),
    refused,
  )
  assert.ok(ended)
})
