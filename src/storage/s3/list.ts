import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { Failure } from '../../core/failure.ts'
import { assertPrefix, isBlobName } from '../names.ts'
import { assertNotCancelled } from '../outcomes.ts'
import type { BlobInfo } from '../storage.ts'
import type { Connection } from './connection.ts'
import { request } from './request.ts'

/**
 * Lists page by page. What has no name of ours (folder markers, other programs' objects) is left out. A listing that
 * is out of order or cannot go on fails with `corrupt`: what is missing from it would look as if it had been removed.
 */
export async function* listObjects(
  connection: Connection,
  prefix: string,
  signal: AbortSignal,
): AsyncIterable<BlobInfo> {
  assertPrefix(prefix)
  assertNotCancelled(signal, `list ${prefix}`)
  let last: string | undefined
  let token: string | undefined
  do {
    const page = await fetchPage(connection, { prefix, token, signal })
    for (const blob of blobsOf(connection, page)) {
      assertNotCancelled(signal, `list ${prefix}`)
      if (last !== undefined && blob.name <= last)
        throw brokenListing(connection, prefix, `${blob.name} came after ${last}`)
      last = blob.name
      yield blob
    }
    token = nextToken(connection, prefix, page, token)
  } while (token !== undefined)
}

interface PageRequest {
  readonly prefix: string
  readonly token: string | undefined
  readonly signal: AbortSignal
}

function fetchPage(connection: Connection, page: PageRequest): Promise<ListObjectsV2CommandOutput> {
  const { sdk, client, place } = connection
  const input = {
    Bucket: place.bucket,
    Prefix: place.prefix + page.prefix,
    ...(page.token === undefined ? {} : { ContinuationToken: page.token }),
  }
  return request(connection, { act: `list ${page.prefix}`, signal: page.signal }, (abortSignal) =>
    client.send(new sdk.ListObjectsV2Command(input), { abortSignal }),
  )
}

function blobsOf(connection: Connection, page: ListObjectsV2CommandOutput): BlobInfo[] {
  const { prefix } = connection.place
  return (page.Contents ?? []).flatMap(({ Key, Size, LastModified }) => {
    const name = Key?.startsWith(prefix) === true ? Key.slice(prefix.length) : undefined
    if (name === undefined || !isBlobName(name)) return []
    if (Size === undefined || LastModified === undefined)
      throw brokenListing(connection, name, 'size or time is missing')
    return [{ name, size: Size, modified: LastModified }]
  })
}

function nextToken(
  connection: Connection,
  prefix: string,
  page: ListObjectsV2CommandOutput,
  token: string | undefined,
): string | undefined {
  if (page.IsTruncated !== true) return undefined
  const next = page.NextContinuationToken
  if (next === undefined || next === token) throw brokenListing(connection, prefix, 'there is more, but no way to it')
  return next
}

function brokenListing(connection: Connection, prefix: string, why: string): Failure {
  return new Failure('corrupt', `list ${prefix} in ${connection.location} gave a wrong answer: ${why}`)
}
