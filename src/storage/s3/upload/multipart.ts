import type { CompletedPart } from '@aws-sdk/client-s3'
import { describe, Failure } from '../../../core/failure.ts'
import { BoundedTasks } from '../../../system/bounded-tasks.ts'
import { withPartDigest } from './checksum.ts'
import { completeUpload } from './complete.ts'
import { objectOf } from '../connection.ts'
import type { Connection } from '../connection.ts'
import { isAbsent, NEEDED } from '../failures.ts'
import { MOST_PARTS, partsInFlight } from './part-sizes.ts'
import type { PutRequest, Sent } from './put.ts'
import { request } from '../request.ts'
import { MARK } from '../stat.ts'
import { assertNotCancelled } from '../../outcomes.ts'

const ABORT_LIMIT = 20_000
const CREATION_GRACE = 5_000

export interface Upload extends PutRequest {
  readonly id: string
}

/** Each goes back to the buffers of the connection when it was sent. */
export type Pieces = AsyncIterable<Buffer<ArrayBuffer>>

export interface Uploaded {
  readonly sent: Sent
  readonly size: number
}

/**
 * Stores a blob in parts. It is completed only after the producer ended without throwing; until then no reader sees
 * anything of it. When anything fails the upload is aborted, also when the put was cancelled. If the process dies
 * before that, the parts stay until `tidy` (or the bucket's own rule) ends the upload.
 */
export async function uploadInParts(connection: Connection, put: PutRequest, pieces: Pieces): Promise<Uploaded> {
  const upload: Upload = { ...put, id: await createUpload(connection, put) }
  connection.uploads.add(upload)
  try {
    const { parts, size } = await sendParts(connection, upload, pieces)
    const sent = await completeUpload(connection, upload, parts)
    if (sent === 'taken') await abortQuietly(connection, upload)
    return { sent, size }
  } catch (error) {
    await abortQuietly(connection, upload)
    throw error
  } finally {
    connection.uploads.delete(upload)
  }
}

async function createUpload(connection: Connection, put: PutRequest): Promise<string> {
  const { sdk, client, location } = connection
  const input = {
    ...objectOf(connection, put.name),
    ContentType: 'application/octet-stream',
    Metadata: { [MARK]: put.mark },
  }
  assertNotCancelled(put.signal, `put ${put.name}`)
  const answer = await withGrace(put.signal, (signal) =>
    request(connection, { act: `put ${put.name}`, signal }, (abortSignal) =>
      client.send(new sdk.CreateMultipartUploadCommand(input), { abortSignal }),
    ),
  )
  if (answer.UploadId === undefined)
    throw new Failure('unsupported', `${location} gave no id for the upload of ${put.name}`, { hint: NEEDED })
  return answer.UploadId
}

/** A creation that is cut off may happen all the same, and then nobody knows the id to abort it: its answer is waited for. */
async function withGrace<Result>(signal: AbortSignal, act: (later: AbortSignal) => Promise<Result>): Promise<Result> {
  const later = new AbortController()
  const abort = (): void => void setTimeout(() => later.abort(signal.reason), CREATION_GRACE).unref()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await act(later.signal)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function sendParts(
  connection: Connection,
  upload: Upload,
  pieces: Pieces,
): Promise<{ parts: CompletedPart[]; size: number }> {
  const parts: CompletedPart[] = []
  const tasks = new BoundedTasks()
  let size = 0
  try {
    for await (const piece of pieces) {
      const number = parts.push({}) // Keeps the place: parts end in any order.
      if (number > MOST_PARTS)
        throw new Failure('refused', `blob ${upload.name} is larger than ${MOST_PARTS} parts`, {
          hint: 'This is more than an object of S3 can hold. Use a repository in a folder (file:///…) for it.',
        })
      size += piece.length
      await tasks.start(partsInFlight(piece.length, connection.uploads.size), async () => {
        parts[number - 1] = await sendPart(connection, upload, number, piece)
        connection.buffers.give(piece)
      })
    }
  } finally {
    // Also on failure: a part that is still on its way could arrive after the abort and stay for ever.
    await tasks.settled()
  }
  tasks.throwFailure()
  return { parts, size }
}

async function sendPart(connection: Connection, upload: Upload, number: number, piece: Buffer): Promise<CompletedPart> {
  const { sdk, client, location } = connection
  const part = { ...objectOf(connection, upload.name), UploadId: upload.id, PartNumber: number }
  const input = { ...part, Body: piece, ContentLength: piece.length }
  const answer = await request(
    connection,
    { act: `put ${upload.name} part ${number}`, signal: upload.signal, bytes: piece.length },
    (abortSignal) =>
      withPartDigest(connection, piece, (digest) =>
        client.send(new sdk.UploadPartCommand({ ...input, ...digest }), { abortSignal }),
      ),
  )
  if (answer.ETag === undefined)
    throw new Failure('unsupported', `${location} gave no tag for part ${number} of ${upload.name}`, { hint: NEEDED })
  return { PartNumber: number, ETag: answer.ETag }
}

/** Aborts even if the put was cancelled, hence with a signal of its own. The put's own error is the one to be thrown. */
async function abortQuietly(connection: Connection, upload: Upload): Promise<void> {
  try {
    await abortUpload(connection, { name: upload.name, id: upload.id, signal: AbortSignal.timeout(ABORT_LIMIT) })
  } catch (error) {
    connection.warn(`the unfinished upload of ${upload.name} stays until it is tidied up: ${describe(error)}`)
  }
}

export interface AbortRequest {
  readonly name: string
  readonly id: string
  readonly signal: AbortSignal
}

/** Ends an unfinished upload and frees its parts. One that is gone already is fine. */
export async function abortUpload(connection: Connection, upload: AbortRequest): Promise<void> {
  const { sdk, client } = connection
  const input = { ...objectOf(connection, upload.name), UploadId: upload.id }
  await request(connection, { act: `abort upload of ${upload.name}`, signal: upload.signal }, async (abortSignal) => {
    await client.send(new sdk.AbortMultipartUploadCommand(input), { abortSignal }).catch((error: unknown) => {
      if (!isAbsent(error)) throw error
    })
  })
}
