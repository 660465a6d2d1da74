import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { isFailure } from '../../core/failure.ts'
import { blobMissing } from '../outcomes.ts'
import type { BlobInfo } from '../storage.ts'
import { objectOf } from './connection.ts'
import type { Connection } from './connection.ts'
import { isAbsent, isLacking } from './failures.ts'
import { blobsOf } from './list.ts'
import { listPages } from './list-pages.ts'
import { request } from './request.ts'

/** The metadata entry by which a put recognises its own object. S3 hands it out in lower case. */
export const MARK = 'holdfast-put'

export interface MarkedInfo extends BlobInfo {
  /** What the put that made the object marked it with. */
  readonly mark: string | undefined
}

/** Size and time come from the listing where HEAD does not tell them, as behind servers and proxies that leave out the length. */
export async function statObject(connection: Connection, name: string, signal: AbortSignal): Promise<MarkedInfo> {
  const { ContentLength: size, LastModified: modified, Metadata } = await head(connection, name, signal)
  const mark = Metadata?.[MARK]
  // No blob of ours is empty as a rule: a length of 0 is what some answer in place of none.
  if (size !== undefined && size > 0 && modified !== undefined) return { name, size, modified, mark }
  return { ...(await listedObject(connection, name, signal)), mark }
}

/** The answer, or nothing where the server has no HEAD. */
function head(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<Partial<Pick<HeadObjectCommandOutput, 'ContentLength' | 'LastModified' | 'Metadata'>>> {
  const { client, sdk, location } = connection
  return request(connection, { act: `stat ${name}`, signal }, async (abortSignal) => {
    const command = new sdk.HeadObjectCommand(objectOf(connection, name))
    return client.send(command, { abortSignal }).catch((error: unknown) => {
      if (isAbsent(error)) throw blobMissing(name, location, error)
      if (isLacking(error)) return {}
      throw error
    })
  })
}

async function listedObject(connection: Connection, name: string, signal: AbortSignal): Promise<BlobInfo> {
  for await (const page of listPages(connection, { prefix: name, signal })) {
    const found = blobsOf(connection, page).find((blob) => blob.name === name)
    if (found !== undefined) return found
  }
  throw blobMissing(name, connection.location)
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
