import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { randomHex } from '../../../system/random.ts'
import { assertBlobName } from '../../names.ts'
import { assertNotCancelled, blobExists } from '../../outcomes.ts'
import type { BlobInfo } from '../../storage.ts'
import { asStream, inPieces, untilCancelled } from '../../streams.ts'
import { withDigest } from './checksum.ts'
import { objectOf } from '../connection.ts'
import type { Connection } from '../connection.ts'
import { isTaken, NEEDED } from '../failures.ts'
import { uploadInParts, type Pieces } from './multipart.ts'
import { partSizeAt } from './part-sizes.ts'
import { request } from '../request.ts'
import { findObject, MARK } from '../stat.ts'

export interface PutRequest {
  readonly name: string
  /** What the object is marked with, so that this put recognises it. */
  readonly mark: string
  readonly signal: AbortSignal
}

/** Whether the storage took the blob, or says that the name is taken. */
export type Sent = 'stored' | 'taken'

/** Stores a blob in one request when it fits into one part, and in several otherwise. */
export async function putObject(
  connection: Connection,
  name: string,
  body: Uint8Array | Bytes,
  signal: AbortSignal,
): Promise<BlobInfo> {
  assertBlobName(name)
  assertNotCancelled(signal, `put ${name}`)
  const put: PutRequest = { name, mark: randomHex(16), signal }
  const pieces = inPieces(
    untilCancelled(asStream(body), signal, `put ${name}`),
    (index) => partSizeAt(index, connection.partSize),
    connection.buffers,
  )
  try {
    const start = [await pieces.next(), await pieces.next()].flatMap((piece) =>
      piece.done === true ? [] : [piece.value],
    )
    // An existing blob refuses a long upload at its start and not only at its end, and any where only this look can.
    if ((start.length > 1 || !connection.createOnly) && (await findObject(connection, name, signal)))
      throw blobExists(name, connection.location)
    if (start.length < 2) return await putWhole(connection, put, start[0] ?? Buffer.alloc(0))
    return await putParts(connection, put, chained(start, pieces))
  } finally {
    // Without this a producer whose blob could not be stored would wait for ever.
    await pieces.return()
  }
}

async function* chained(start: readonly Buffer<ArrayBuffer>[], rest: Pieces): AsyncGenerator<Buffer<ArrayBuffer>> {
  yield* start
  yield* rest
}

async function putWhole(connection: Connection, put: PutRequest, body: Buffer<ArrayBuffer>): Promise<BlobInfo> {
  const sent = await sendWhole(connection, put, body)
  if (body.length > 0) connection.buffers.give(body)
  return settle(connection, put, sent, body.length)
}

async function putParts(connection: Connection, put: PutRequest, pieces: Pieces): Promise<BlobInfo> {
  const { sent, size } = await uploadInParts(connection, put, pieces)
  return settle(connection, put, sent, size)
}

function sendWhole(connection: Connection, put: PutRequest, body: Buffer): Promise<Sent> {
  const { sdk, client } = connection
  const input = {
    ...objectOf(connection, put.name),
    Body: body,
    ContentLength: body.length,
    ContentType: 'application/octet-stream',
    Metadata: { [MARK]: put.mark },
    ...(connection.createOnly ? { IfNoneMatch: '*' } : {}),
  }
  return request(
    connection,
    { act: `put ${put.name}`, signal: put.signal, bytes: body.length },
    async (abortSignal) => {
      try {
        await withDigest(connection, body, (digest) =>
          client.send(new sdk.PutObjectCommand({ ...input, ...digest }), { abortSignal }),
        )
        return 'stored'
      } catch (error) {
        if (isTaken(error)) return 'taken'
        throw error
      }
    },
  )
}

/**
 * What is in the storage decides, not what was answered: when an answer is lost and the request made again, the
 * refusal is the echo of our own success, which the mark shows. A blob of another length is not the one that was sent.
 */
async function settle(connection: Connection, put: PutRequest, sent: Sent, size: number): Promise<BlobInfo> {
  const { location } = connection
  const found = await findObject(connection, put.name, put.signal)
  if (found === undefined && sent === 'stored') throw notThere(connection, put)
  // Servers that drop metadata give no mark; a blob that was just accepted is then taken to be ours.
  const isOurs = found?.mark === put.mark || (sent === 'stored' && found?.mark === undefined)
  if (found === undefined || !isOurs) throw blobExists(put.name, location)
  if (found.size !== size) {
    throw new Failure('corrupt', `blob ${put.name} in ${location} has ${found.size} bytes after ${size} were sent`, {
      hint: 'The storage, or a proxy before it, changes what it stores. Do not use it for backups.',
      facts: { blob: put.name, sent: size, stored: found.size },
    })
  }
  return { name: put.name, size: found.size, modified: found.modified }
}

function notThere({ location }: Connection, { name }: PutRequest): Failure {
  return new Failure('unsupported', `blob ${name} is not in ${location} just after it was stored there`, {
    hint: NEEDED,
  })
}
