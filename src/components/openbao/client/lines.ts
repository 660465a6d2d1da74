import { createHash } from 'node:crypto'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { parseEntryLine } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'

const NEWLINE = 0x0a
const LONGEST = 512 * 1024 * 1024

export async function* linesOf(bytes: Bytes): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    let begin = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, begin)) {
      parts.push(chunk.subarray(begin, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      length = 0
      begin = end + 1
    }
    parts.push(chunk.subarray(begin))
    length += chunk.length - begin
    if (length > LONGEST) throw new Failure('corrupt', `the list of secrets has a line of more than ${LONGEST} bytes`)
  }
  if (length > 0) throw new Failure('corrupt', 'the list of secrets ends in the middle of a line')
}

/** What a list of secrets must be: from the manifest, or from the record of a restore. */
export interface Expected {
  readonly sha256: string
  readonly secrets: number
}

/** The secrets of a list, one after the other. Fails with `corrupt` at the end unless it is byte for byte the expected one. */
export async function* entriesOf(bytes: Bytes, expected: Expected): AsyncGenerator<Entry> {
  const hash = createHash('sha256')
  let secrets = 0
  for await (const line of linesOf(hashing(bytes, hash))) {
    yield parseEntryLine(line)
    secrets += 1
  }
  if (hash.digest('hex') !== expected.sha256 || secrets !== expected.secrets)
    throw new Failure('corrupt', 'the list of secrets is not the one that was captured')
}

async function* hashing(bytes: Bytes, hash: { update(chunk: Uint8Array): unknown }): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}
