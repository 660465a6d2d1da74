import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { parseEntryLine, type FileEntry } from './entry.ts'
import { fileFailure } from '../failures.ts'
import { isInside, parentOf, ROOT, shown, walkOrder, type RawPath } from '../tree/names.ts'
import type { FilesDetails } from '../schema.ts'

const LONGEST_LINE = 1024 * 1024
const NEWLINE = 0x0a

/**
 * The entries of a captured folder, one after the other. Fails with `corrupt` unless the list is byte for byte what the
 * manifest says, starts with the folder itself, is in walk order, names nothing twice, and has every entry below a folder
 * that it named before: whoever creates them in this order never leaves the folder.
 */
export async function* entriesOf(bytes: Bytes, details: FilesDetails): AsyncGenerator<FileEntry> {
  const hash = createHash('sha256')
  const order = new OrderCheck()
  let count = 0
  for await (const line of linesOf(hashing(bytes, hash))) {
    const entry = parseEntryLine(line)
    order.next(entry)
    count += 1
    yield entry
  }
  if (hash.digest('hex') !== details.entriesSha256 || count !== details.entries) {
    throw new Failure('corrupt', 'the list of files is not the one that was captured')
  }
}

/** The copy of a list that a restore keeps beside the files. */
export async function* storedEntries(path: string, details: FilesDetails): AsyncGenerator<FileEntry> {
  const stream = createReadStream(path)
  try {
    yield* entriesOf(stream, details)
  } catch (error) {
    throw fileFailure('read', path, error)
  } finally {
    stream.destroy()
  }
}

async function* hashing(bytes: Bytes, hash: { update(chunk: Uint8Array): unknown }): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}

async function* linesOf(bytes: Bytes): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const chunk of bytes) {
    let begin = 0
    const joined = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    for (let end = joined.indexOf(NEWLINE); end !== -1; end = joined.indexOf(NEWLINE, begin)) {
      yield joined.toString('utf8', begin, end)
      begin = end + 1
    }
    rest = joined.subarray(begin)
    if (rest.length > LONGEST_LINE) throw new Failure('corrupt', 'the list of files has a line of more than 1 MiB')
  }
  if (rest.length > 0) throw new Failure('corrupt', 'the list of files ends in the middle of a line')
}

/** Remembers only the last entry and the folders above it. */
class OrderCheck {
  #last: RawPath | undefined
  readonly #folders: RawPath[] = []

  next({ path, type }: FileEntry): void {
    if (this.#last === undefined ? path !== ROOT || type !== 'directory' : walkOrder(this.#last, path) >= 0) {
      throw outOfPlace(path, 'is out of order')
    }
    this.#last = path
    while (this.#folders.length > 0 && !isInside(path, this.#folders.at(-1) ?? ROOT)) this.#folders.pop()
    if (path !== ROOT && this.#folders.at(-1) !== parentOf(path))
      throw outOfPlace(path, 'is in something that is not a folder')
    if (type === 'directory') this.#folders.push(path)
  }
}

function outOfPlace(path: RawPath, why: string): Failure {
  return new Failure('corrupt', `the list of files was not made by a capture: ${shown(path)} ${why}`)
}
