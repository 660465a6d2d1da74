import { Failure, isFailure } from '../../core/failure.ts'
import { blobMissing } from '../outcomes.ts'
import type { BlobInfo } from '../storage.ts'
import { objectOf } from './connection.ts'
import type { Connection } from './connection.ts'
import { isAbsent } from './failures.ts'
import { request } from './request.ts'

/** The metadata entry by which a put recognises its own object. S3 hands it out in lower case. */
export const MARK = 'holdfast-put'

export interface MarkedInfo extends BlobInfo {
  /** What the put that made the object marked it with. */
  readonly mark: string | undefined
}

export async function statObject(connection: Connection, name: string, signal: AbortSignal): Promise<MarkedInfo> {
  const { client, sdk, location } = connection
  return request(connection, { act: `stat ${name}`, signal }, async (abortSignal) => {
    const command = new sdk.HeadObjectCommand(objectOf(connection, name))
    const answer = await client.send(command, { abortSignal }).catch((error: unknown) => {
      throw isAbsent(error) ? blobMissing(name, location, error) : error
    })
    const { ContentLength: size, LastModified: modified, Metadata } = answer
    if (size === undefined || modified === undefined) {
      throw new Failure('corrupt', `${location} told neither size nor time of blob ${name}`)
    }
    return { name, size, modified, mark: Metadata?.[MARK] }
  })
}

/** The blob, or undefined when there is none. */
export async function findObject(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<MarkedInfo | undefined> {
  try {
    return await statObject(connection, name, signal)
  } catch (error) {
    if (isFailure(error, 'notFound')) return undefined
    throw error
  }
}
