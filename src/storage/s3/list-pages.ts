import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { Failure } from '../../core/failure.ts'
import { byName } from '../names.ts'
import type { Connection } from './connection.ts'
import { NEEDED } from './failures.ts'
import { request } from './request.ts'

/** Pages without anything in them, one after the other, that are followed. */
const MOST_EMPTY = 1000
/** S3 gives at most this many at once. */
const LARGEST_PAGE = 1000

export type Page = NonNullable<ListObjectsV2CommandOutput['Contents']>

export interface ListRequest {
  readonly prefix: string
  readonly signal: AbortSignal
  /** How many are asked for at once; the server's own number when absent. */
  readonly pageSize?: number | undefined
}

type Way = { readonly ContinuationToken?: string } | { readonly StartAfter: string }

/**
 * The pages of a listing, however the server leads from one to the next: by a token, or after the last name where it
 * gives none, or one that leads nowhere. Fails with `unsupported` when there is more and no way to it: what is missing
 * from a listing would look as if it had been removed. `first` is for the first request.
 */
export async function* listPages(
  connection: Connection,
  asked: ListRequest,
  first = connection,
): AsyncGenerator<Page, void, void> {
  const walk = new Walk(connection, asked)
  let way: Way | undefined = {}
  while (way !== undefined) {
    const answer: ListObjectsV2CommandOutput = await fetchPage(walk.isBegun ? connection : first, asked, way)
    if (!isListing(answer)) throw noListing(connection, asked, 'the answer is no listing')
    const page = answer.Contents ?? []
    const isNew = walk.note(page)
    if (isNew) yield page
    way = isNew ? walk.next(answer) : walk.around(answer, way)
  }
}

function fetchPage(connection: Connection, asked: ListRequest, way: Way): Promise<ListObjectsV2CommandOutput> {
  const { sdk, client, place } = connection
  const { prefix, signal, pageSize } = asked
  const input = {
    Bucket: place.bucket,
    Prefix: place.prefix + prefix,
    ...(pageSize === undefined ? {} : { MaxKeys: pageSize }),
    ...way,
  }
  return request(connection, { act: `list ${prefix}`, signal }, (abortSignal) =>
    client.send(new sdk.ListObjectsV2Command(input), { abortSignal }),
  )
}

/** A page of a proxy reads like an empty listing, and would make every blob look removed. */
function isListing({ IsTruncated, KeyCount, Contents, Name, Prefix, MaxKeys }: ListObjectsV2CommandOutput): boolean {
  return [IsTruncated, KeyCount, Contents, Name, Prefix, MaxKeys].some((part) => part !== undefined)
}

/** How far a listing has come. */
class Walk {
  readonly #connection: Connection
  readonly #asked: ListRequest
  readonly #seen = new Set<string>()
  #empty = 0
  #last = ''
  #isInOrder = true
  #tokensLead = true

  constructor(connection: Connection, asked: ListRequest) {
    this.#connection = connection
    this.#asked = asked
  }

  get isBegun(): boolean {
    return this.#seen.size > 0
  }

  /** False when the page came before, so that going on in the same way would never end. */
  note(page: Page): boolean {
    if (page.length === 0) return ++this.#empty <= MOST_EMPTY
    this.#empty = 0
    const mark = JSON.stringify([page.length, page[0]?.Key, page.at(-1)?.Key])
    if (this.#seen.has(mark)) return false
    this.#seen.add(mark)
    for (const { Key = '' } of page) {
      this.#isInOrder &&= byName(this.#last, Key) <= 0
      this.#last = Key
    }
    return true
  }

  next({ IsTruncated, NextContinuationToken: token, Contents = [] }: ListObjectsV2CommandOutput): Way | undefined {
    if (IsTruncated === false || (IsTruncated === undefined && token === undefined && Contents.length === 0)) return
    if (token !== undefined && this.#tokensLead) return { ContinuationToken: token }
    return this.#afterLast()
  }

  /** The way from a page that came before: a token that leads back is not followed again. */
  around({ IsTruncated, Contents = [] }: ListObjectsV2CommandOutput, way: Way): Way | undefined {
    const cameByToken = 'ContinuationToken' in way
    this.#tokensLead &&= !cameByToken
    if (cameByToken && Contents.length > 0) return this.#afterLast()
    if (IsTruncated === true || Contents.length >= (this.#asked.pageSize ?? LARGEST_PAGE)) throw this.#noWay()
    return undefined
  }

  #afterLast(): Way {
    if (!this.#isInOrder || this.#last === '') throw this.#noWay()
    return { StartAfter: this.#last }
  }

  #noWay(): Failure {
    return noListing(this.#connection, this.#asked, 'there is more, but no way to it')
  }
}

export function noListing({ location }: Connection, { prefix }: Pick<ListRequest, 'prefix'>, why: string): Failure {
  return new Failure('unsupported', `list ${prefix} in ${location} cannot be relied on: ${why}`, { hint: NEEDED })
}
