import { promisify } from 'node:util'
import { zstdDecompress, type InputType, type ZstdOptions } from 'node:zlib'
import { freeBytes } from '../../core/texts/free-bytes.ts'
import type { Bytes } from '../../core/ports.ts'
import { ByteReader } from '../documents/bytes.ts'
import { defaultParallel, inOrder } from '../streams/in-order.ts'
import { damaged, parseUnitHeader, UNIT_HEADER } from '../streams/unit.ts'

/**
 * The plain content of units: docs/reference/format.md section 4. Fails with `corrupt` for anything that is no whole unit or a
 * frame that does not give exactly the length its unit says; no unit can make this allocate more than the limits.
 * With `owns` the chunks of `content` are nobody else's, and their memory is given back as soon as they were read.
 */
export async function* unpack(content: Bytes, parallel = defaultParallel(), owns = false): Bytes {
  yield* inOrder(unitsOf(content, owns), plainOf, parallel)
}

interface Unit {
  readonly frame: Buffer
  readonly plainLength: number
}

async function* unitsOf(content: Bytes, owns: boolean): AsyncGenerator<Unit> {
  const reader = new ByteReader(content, owns)
  try {
    for (let unit = await readUnit(reader); unit !== undefined; unit = await readUnit(reader)) yield unit
  } finally {
    await reader.close()
  }
}

async function readUnit(reader: ByteReader): Promise<Unit | undefined> {
  const header = Buffer.allocUnsafe(UNIT_HEADER)
  const headerLength = await reader.readInto(header)
  if (headerLength === 0) return undefined
  const { frameLength, plainLength } = parseUnitHeader(header.subarray(0, headerLength))
  const frame = Buffer.allocUnsafe(frameLength)
  if ((await reader.readInto(frame)) < frameLength) throw damaged('the last frame is cut off')
  return { frame, plainLength }
}

/** With `info` the callback gets the engine, which knows how many bytes of the input it used. */
type Decompress = (
  input: InputType,
  options: ZstdOptions,
  done: (error: Error | null, result: Inflated) => void,
) => void
interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}
// The typings of Node know the plain callback only; `info: true` is documented for all of its one-shot functions.
const decompress = promisify(zstdDecompress as unknown as Decompress)

async function plainOf({ frame, plainLength }: Unit): Promise<Buffer> {
  const { buffer, engine } = await inflate(frame, plainLength)
  if (buffer.length !== plainLength) throw damaged(`a frame gives ${buffer.length} instead of ${plainLength} bytes`)
  // Node decodes the first of several frames and ignores the rest, where other readers would go on.
  if (engine.bytesWritten !== frame.length) throw damaged('bytes follow a frame within its unit')
  freeBytes(frame)
  return buffer
}

async function inflate(frame: Buffer, plainLength: number): Promise<Inflated> {
  try {
    // One byte more than it takes: Node makes a second buffer of this size as soon as the first is full.
    const chunkSize = Math.max(plainLength + 1, 64)
    return await decompress(frame, { maxOutputLength: plainLength, chunkSize, info: true })
  } catch (cause) {
    throw damaged('a frame cannot be decompressed', cause)
  }
}
