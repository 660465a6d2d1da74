import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader } from './bytes.ts'

/** Chunks in one buffer that is overwritten for each, as storages may give them. */
async function* overwriting(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(4)
  for (const text of texts) yield buffer.subarray(0, buffer.write(text))
}

test('what was read stays as it was when its chunks are overwritten', async () => {
  const reader = new ByteReader(overwriting(['abcd', 'efgh', 'ij']))
  const first = await reader.read(2)
  const over = await reader.read(5)
  const rest = await reader.read(9)
  assert.deepEqual([first, over, rest].map(String), ['ab', 'cdefg', 'hij'])
  assert.equal((await reader.read(1)).length, 0)
})
