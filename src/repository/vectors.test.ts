import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { toFailure } from '../core/failure.ts'
import { plainContent } from './points/artifact.ts'
import { bytesOf, collect } from './documents/bytes.ts'

/** Artifacts that were written in another language from docs/reference/format.md alone, by somebody who had not seen this code. */
const folder = new URL('../../test/vectors/artifacts/', import.meta.url)
const COMPRESSION_OFFSET = 49

const vectorSchema = z.object({
  name: z.string(),
  expect: z.enum(['ok', 'corrupt', 'unsupported', 'denied']),
  dataKey: z.hex(),
  repository: z.hex(),
  point: z.hex(),
  number: z.int(),
  artifact: z.base64(),
  plain: z.base64().optional(),
})
type Vector = z.infer<typeof vectorSchema>

const vectors = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => vectorSchema.parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8'))))

async function outcomeOf({
  repository,
  point,
  number,
  ...vector
}: Vector): Promise<{ expect: string; plain?: string }> {
  const artifact = Buffer.from(vector.artifact, 'base64')
  const compression = artifact[COMPRESSION_OFFSET] === 1 ? 1 : 0
  try {
    const content = plainContent(bytesOf(artifact), {
      dataKey: Buffer.from(vector.dataKey, 'hex'),
      repository,
      point,
      number,
      compression,
    })
    return { expect: 'ok', plain: (await collect(content, 2 ** 26, vector.name)).toString('base64') }
  } catch (error) {
    return { expect: toFailure(error).kind }
  }
}

test('there are vectors', () => {
  assert.ok(vectors.length >= 20, `${vectors.length} vectors`)
  assert.ok(vectors.some(({ expect }) => expect === 'ok'))
})

for (const vector of vectors) {
  test(`vector ${vector.name} is ${vector.expect}`, async () => {
    const { expect, plain } = vector
    assert.deepEqual(await outcomeOf(vector), plain === undefined ? { expect } : { expect, plain })
  })
}
