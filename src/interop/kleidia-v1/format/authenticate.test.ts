import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, drain } from '../../../repository/documents/bytes.ts'
import { authenticate } from './authenticate.ts'
import type { Spooled } from '../read/spooled.ts'
import { sampleContext, sampleFile, secretPassword } from '../testing/sample.ts'

/** A medium that gives other bytes from the second reading on. */
function failingMedium(file: Buffer): Spooled {
  const other = Buffer.from(file)
  other[other.length - 30]! ^= 1
  let readings = 0
  return {
    size: file.length,
    start: async (length) => file.subarray(0, length),
    read: (start, end) => bytesOf((readings++ === 0 ? file : other).subarray(start, end)),
    close: async () => undefined,
  }
}

test('bytes that are others in the second pass are found at its end', async () => {
  const authentic = await authenticate(failingMedium(sampleFile()), 'it', secretPassword, sampleContext())
  await assert.rejects(drain(authentic.plaintext()), {
    kind: 'corrupt',
    message: 'it read differently the second time',
  })
})
