import { assertPrefix, byName, isBlobName } from '../names.ts'
import { assertNotCancelled } from '../outcomes.ts'
import type { BlobInfo } from '../storage.ts'
import { withoutRetries } from './connection.ts'
import type { Connection } from './connection.ts'
import { listPages, noListing } from './list-pages.ts'
import type { ListRequest, Page } from './list-pages.ts'

/** So many blobs are put in order here when the server lists them in another one: some 50 MB. More must come in order. */
const MOST_SORTED = 200_000

/**
 * Lists in name order, whatever order the server has. What has no name of ours (folder markers, other programs'
 * objects) is left out.
 */
export async function* listObjects(connection: Connection, asked: ListRequest): AsyncIterable<BlobInfo> {
  const { prefix, signal } = asked
  assertPrefix(prefix)
  assertNotCancelled(signal, `list ${prefix}`)
  let sorted: BlobInfo[] | undefined = []
  let last = ''
  // Whoever asked can repeat the first request. The later ones are repeated here, or a long listing might never end.
  for await (const page of listPages(connection, asked, withoutRetries(connection))) {
    assertNotCancelled(signal, `list ${prefix}`)
    const blobs = blobsOf(connection, page)
    if (sorted === undefined) {
      yield* inOrder(connection, asked, blobs, last)
      last = blobs.at(-1)?.name ?? last
      continue
    }
    sorted.push(...blobs)
    if (sorted.length <= MOST_SORTED) continue
    last = sorted.at(-1)?.name ?? last
    yield* inOrder(connection, asked, sorted)
    sorted = undefined
  }
  if (sorted !== undefined)
    yield* inOrder(
      connection,
      asked,
      sorted.sort((one, other) => byName(one.name, other.name)),
    )
}

/** Each blob once; fails when one comes after a later name. */
function* inOrder(
  connection: Connection,
  asked: ListRequest,
  blobs: readonly BlobInfo[],
  before = '',
): Generator<BlobInfo, void, void> {
  let last = before
  for (const blob of blobs) {
    assertNotCancelled(asked.signal, `list ${asked.prefix}`)
    if (blob.name < last)
      throw noListing(connection, asked, `over ${MOST_SORTED} blobs are not in order: ${blob.name} came after ${last}`)
    if (blob.name !== last) yield blob
    last = blob.name
  }
}

export function blobsOf(connection: Connection, page: Page): BlobInfo[] {
  const { prefix } = connection.place
  return page.flatMap(({ Key, Size, LastModified }) => {
    const name = Key?.startsWith(prefix) === true ? Key.slice(prefix.length) : undefined
    if (name === undefined || !isBlobName(name)) return []
    if (Size === undefined || LastModified === undefined)
      throw noListing(connection, { prefix: name }, 'size or time is missing')
    return [{ name, size: Size, modified: LastModified }]
  })
}
