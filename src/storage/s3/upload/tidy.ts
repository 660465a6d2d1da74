import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import { describe, isFailure } from '../../../core/failure.ts'
import { isBlobName } from '../../names.ts'
import type { Connection } from '../connection.ts'
import { abortUpload } from './multipart.ts'
import { request } from '../request.ts'

/**
 * Ends the unfinished uploads under our prefix that were started before, and gives how many. A server that cannot list
 * them keeps them until its own rule ends them, which is told and stops nothing.
 */
export async function tidyUploads(connection: Connection, olderThan: Date, signal: AbortSignal): Promise<number> {
  try {
    return await endUploads(connection, olderThan, signal)
  } catch (error) {
    if (!isFailure(error, 'unsupported')) throw error
    connection.warn(`unfinished uploads stay: ${describe(error)}. Give the bucket a rule that ends them after 7 days`)
    return 0
  }
}

async function endUploads(connection: Connection, olderThan: Date, signal: AbortSignal): Promise<number> {
  let count = 0
  for await (const upload of uploads(connection, signal)) {
    if (upload.started >= olderThan) continue
    await abortUpload(connection, { name: upload.name, id: upload.id, signal })
    count += 1
  }
  return count
}

interface Unfinished {
  readonly name: string
  readonly id: string
  readonly started: Date
}

async function* uploads(connection: Connection, signal: AbortSignal): AsyncGenerator<Unfinished, void, void> {
  const { sdk, client, place } = connection
  let from: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const input = { Bucket: place.bucket, Prefix: place.prefix, ...from }
    const page = await request(connection, { act: 'list unfinished uploads', signal }, (abortSignal) =>
      client.send(new sdk.ListMultipartUploadsCommand(input), { abortSignal }),
    )
    yield* unfinishedOf(connection, page)
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return
    from = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
    }
  }
}

function unfinishedOf(connection: Connection, page: ListMultipartUploadsCommandOutput): Unfinished[] {
  const { prefix } = connection.place
  return (page.Uploads ?? []).flatMap(({ Key, UploadId, Initiated }) => {
    if (Key === undefined || UploadId === undefined || Initiated === undefined || !Key.startsWith(prefix)) return []
    const name = Key.slice(prefix.length)
    return isBlobName(name) ? [{ name, id: UploadId, started: Initiated }] : []
  })
}
