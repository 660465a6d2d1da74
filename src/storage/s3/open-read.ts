import { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { Failure } from '../../core/failure.ts'
import { blobMissing, rangeOutside } from '../outcomes.ts'
import { objectOf } from './connection.ts'
import type { Connection } from './connection.ts'
import { isAbsent, isLacking, isTaken, NEEDED } from './failures.ts'
import { request } from './request.ts'
import { statObject } from './stat.ts'

export interface ReadRequest {
  readonly name: string
  readonly signal: AbortSignal
  readonly offset: number
  /** The byte after the last, or undefined for the end of the blob. */
  readonly end: number | undefined
  /** The object must still be the one that the read began with. */
  readonly tag?: string | undefined
}

export interface Opened {
  readonly body: Readable
  readonly tag: string | undefined
  /** Whether it is the whole blob in place of the range, from a server that knows no ranges. */
  readonly isWhole: boolean
  /** How many bytes of the body come before those that were asked for. */
  readonly skip: number
  /** How many bytes of it were asked for. */
  readonly length: number
}

/** Sends the request and waits for its head. What the server cannot do by itself (ranges, conditions) is done here. */
export async function openRead(connection: Connection, read: ReadRequest): Promise<Opened> {
  const answer = await send(connection, read)
  try {
    if (isChanged(answer, read)) throw changed(connection, read)
    return { body: answer.body, tag: answer.tag, ...(await extentOf(connection, read, answer)) }
  } catch (error) {
    answer.body.destroy()
    throw error
  }
}

interface Answer {
  readonly body: Readable
  readonly tag: string | undefined
  readonly length: number | undefined
  readonly isPart: boolean
}

function send(connection: Connection, read: ReadRequest): Promise<Answer> {
  const { sdk, client, location } = connection
  const object = objectOf(connection, read.name)
  const conditions = { ...rangeOf(read), ...matchOf(read) }
  return request(connection, { act: `get ${read.name}`, signal: read.signal }, async (abortSignal) => {
    const get = (how: typeof conditions): Promise<GetObjectCommandOutput> =>
      client.send(new sdk.GetObjectCommand({ ...object, ...how }), { abortSignal })
    const answer = await get(conditions)
      .catch((error: unknown) => {
        if (Object.keys(conditions).length === 0 || isTaken(error) || !isLacking(error)) throw error
        return get({})
      })
      .catch((error: unknown) => {
        throw isAbsent(error) ? blobMissing(read.name, location, error) : error
      })
    // In Node the body is always a readable stream; its type in the SDK covers browsers too.
    if (!(answer.Body instanceof Readable))
      throw new Failure('unsupported', `${location} gave no content for blob ${read.name}`, { hint: NEEDED })
    const isPart = answer.$metadata.httpStatusCode === 206
    return { body: answer.Body, tag: answer.ETag, length: answer.ContentLength, isPart }
  })
}

function rangeOf({ offset, end }: ReadRequest): { readonly Range?: string } {
  return offset === 0 && end === undefined ? {} : { Range: `bytes=${offset}-${end === undefined ? '' : end - 1}` }
}

/** A weak tag never matches, so it is compared here instead. */
function matchOf({ tag }: ReadRequest): { readonly IfMatch?: string } {
  return tag === undefined || tag.startsWith('W/') ? {} : { IfMatch: tag }
}

function isChanged({ tag }: Answer, read: ReadRequest): boolean {
  return read.tag !== undefined && tag !== undefined && tag !== read.tag
}

/** What of the body was asked for. A length that the answer does not tell is that of the object, asked for apart. */
async function extentOf(
  connection: Connection,
  read: ReadRequest,
  { length, isPart }: Answer,
): Promise<Pick<Opened, 'isWhole' | 'skip' | 'length'>> {
  const { name, offset, end } = read
  if (isPart && (length !== undefined || end !== undefined))
    return { isWhole: false, skip: 0, length: length ?? (end ?? 0) - offset }
  const size = isPart || length === undefined ? (await statObject(connection, name, read.signal)).size : length
  if ((end ?? offset) > size) throw rangeOutside(name, connection.location, size)
  const isWhole = !isPart && (offset > 0 || end !== undefined)
  return { isWhole, skip: isWhole ? offset : 0, length: (end ?? size) - offset }
}

export function changed(connection: Connection, read: Pick<ReadRequest, 'name'>, cause?: unknown): Failure {
  return new Failure('corrupt', `blob ${read.name} in ${connection.location} changed while it was read`, { cause })
}
