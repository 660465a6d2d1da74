import { createZstdDecompress } from 'node:zlib'
import { pipeline, Readable } from 'node:stream'
import { Failure } from '../../../../core/failure.ts'
import type { Bytes } from '../../../../core/ports.ts'
import { ByteSource } from './byte-source.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const CHUNK = 65_536

/**
 * Decompresses all frames of a zstd file. Node's own reader stops after the first one, and files of several are common: pzstd and
 * `cat` make them. So frames are found by their headers, as RFC 8878 has them.
 */
export async function* unzstd(content: Bytes, single = false): Bytes {
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
  const magic = await source.peek(8)
  const word = magic.readUInt32LE(0)
  if ((word & 0xfffffff0) >>> 0 === SKIPPABLE) return drain(source.take(8 + magic.readUInt32LE(4)))
  if (word !== MAGIC) throw damaged('there is no zstd frame where one must begin')
  const decompressor = createZstdDecompress({ chunkSize: 4 * CHUNK })
  // Both ends are closed when either ends; the error is the reader's.
  yield* pipeline(Readable.from(frameOf(source)), decompressor, () => {})
}

/** The bytes of the frame that begins here: its header, its blocks, its checksum. */
async function* frameOf(source: ByteSource): Bytes {
  const descriptor = (await source.peek(5)).readUInt8(4)
  const single = (descriptor >> 5) & 1
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
  const contentSize = [single, 2, 4, 8][descriptor >> 6] ?? 0
  yield* source.take(5 + (1 - single) + dictionary + contentSize)
  for (let last = false; !last;) {
    const header = await source.peek(3)
    const block = header.readUIntLE(0, 3)
    last = (block & 1) === 1
    const repeats = ((block >> 1) & 3) === 1
    yield* source.take(3 + (repeats ? 1 : block >> 3))
  }
  if (((descriptor >> 2) & 1) === 1) yield* source.take(4)
}

async function drain(content: Bytes): Promise<void> {
  for await (const chunk of content) void chunk
}

function damaged(what: string): Failure {
  return new Failure('corrupt', `the zstd file is damaged or cut off: ${what}`)
}
