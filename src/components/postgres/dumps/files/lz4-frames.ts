import { Failure } from '../../../../core/failure.ts'
import type { Bytes } from '../../../../core/ports.ts'
import { ByteSource } from './byte-source.ts'

export const LZ4_MAGIC = 0x184d2204
const SKIPPABLE = 0x184d2a50
/** How far back a block may point. */
const WINDOW = 65_536
const BLOCK_SIZES: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 }
const STORED = 0x80000000

/**
 * Decompresses all frames of an LZ4 file, which Node cannot: pg_dump 16 and newer write them. A frame that lacks its end mark is
 * damage. Checksums are passed over, as pg_dump writes none.
 */
export async function* unlz4(content: Bytes, single = false): Bytes {
  const source = new ByteSource(content, () => damaged('it ends within a frame'))
  try {
    for (let more = true; more; more = !(await source.ended())) {
      yield* oneFrame(source)
      if (single && !(await source.ended())) throw damaged('something follows its frame')
    }
  } finally {
    await source.close()
  }
}

async function* oneFrame(source: ByteSource): Bytes {
  const magic = (await source.read(4)).readUInt32LE(0)
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) return skip(source, (await source.read(4)).readUInt32LE(0))
  if (magic !== LZ4_MAGIC) throw damaged('there is no LZ4 frame where one must begin')
  const { blockSize, blockChecksums, contentChecksum } = await readHeader(source)
  let window: Buffer = Buffer.alloc(0)
  for (let size = await readSize(source); size !== 0; size = await readSize(source)) {
    const length = size & ~STORED
    if (length > blockSize) throw damaged('a block is longer than its frame allows')
    const block = await source.read(length)
    const plain = (size & STORED) === 0 ? decodeBlock(block, window, blockSize) : block
    await skip(source, blockChecksums ? 4 : 0)
    window = Buffer.concat([window, plain]).subarray(-WINDOW)
    yield plain
  }
  await skip(source, contentChecksum ? 4 : 0)
}

interface Header {
  readonly blockSize: number
  readonly blockChecksums: boolean
  readonly contentChecksum: boolean
}

async function readHeader(source: ByteSource): Promise<Header> {
  const [flags = 0, sizes = 0] = await source.read(2)
  const blockSize = BLOCK_SIZES[(sizes >> 4) & 7]
  if (flags >> 6 !== 1 || blockSize === undefined || (flags & 1) === 1) throw damaged('its header is of no known form')
  // The size of the content, and a checksum of the header.
  await skip(source, (flags & 8) === 0 ? 1 : 9)
  return { blockSize, blockChecksums: (flags & 16) !== 0, contentChecksum: (flags & 4) !== 0 }
}

async function readSize(source: ByteSource): Promise<number> {
  return (await source.read(4)).readInt32LE(0)
}

async function skip(source: ByteSource, length: number): Promise<void> {
  for await (const chunk of source.take(length)) void chunk
}

/** Sequences of literal bytes, each followed by a copy of earlier ones but for the last. */
function decodeBlock(block: Buffer, window: Buffer, blockSize: number): Buffer {
  const output = Buffer.alloc(window.length + blockSize)
  let [at, end] = [0, window.copy(output)]
  const lengthFrom = (nibble: number): number => {
    let length = nibble
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = block[at++] ?? fail()
    return length
  }
  while (at < block.length) {
    const token = block[at++] ?? fail()
    const literals = lengthFrom(token >> 4)
    if (at + literals > block.length || end + literals > output.length) fail()
    end += block.copy(output, end, at, (at += literals))
    if (at === block.length) break
    if (at + 2 > block.length) fail()
    const from = end - block.readUInt16LE(at)
    at += 2
    const matched = 4 + lengthFrom(token & 15)
    if (from < 0 || from === end || end + matched > output.length) fail()
    // Byte by byte where it overlaps: what is copied may be what was just written.
    if (from + matched <= end) output.copyWithin(end, from, from + matched)
    else for (let next = 0; next < matched; next += 1) output[end + next] = output[from + next] ?? fail()
    end += matched
  }
  return output.subarray(window.length, end)
}

function fail(): never {
  throw damaged('a block cannot be decoded')
}

function damaged(what: string): Failure {
  return new Failure('corrupt', `the LZ4 file is damaged or cut off: ${what}`)
}
