import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../../core/ports.ts'
import { assertNotCancelled, blobShort } from '../outcomes.ts'
import type { Span } from '../range.ts'

const CHUNK = 256 * 1024

/** A link in the place of a blob is not followed: it could lead to any file of the machine. */
function openBlob(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
}

export interface ReadRequest {
  readonly path: string
  readonly name: string
  readonly location: string
  readonly span: Span
  readonly signal: AbortSignal
}

/** Opens the file when the first byte is wanted, so that a stream nobody reads holds nothing open. */
export async function* readSpan(request: ReadRequest): Bytes {
  const { span, signal, name } = request
  const file = await openBlob(request.path)
  // One for all chunks: memory this large comes fresh from the system each time, which costs more than to read into it.
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, span.end - span.start))
  try {
    for (let position = span.start; position < span.end;) {
      assertNotCancelled(signal, `get ${name}`)
      const wanted = Math.min(buffer.length, span.end - position)
      const { bytesRead } = await file.read(buffer, 0, wanted, position)
      if (bytesRead === 0) {
        throw blobShort(name, request.location, { expected: span.end - span.start, found: position - span.start })
      }
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
