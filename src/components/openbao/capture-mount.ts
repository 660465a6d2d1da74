import pMap, { pMapIterable } from 'p-map'
import type { Client } from './client.ts'
import { entryLine, nameOf } from './entry.ts'
import type { Entry, Entry1 } from './entry.ts'
import type { KvMount } from './mounts.ts'
import { isSameInfo, isUnreadable, readPlain, readStable, readVersions } from './read-entry.ts'
import type { ReadEntry2 } from './read-entry.ts'
import { scanOf } from './scan.ts'
import { listAgain, walk } from './walk.ts'
import type { Page } from './walk.ts'

/** What is read before it is known to have been still. A few of these are held at once. */
const HELD_BYTES = 4 * 1024 * 1024
/** Pages listed, and pages looked at again, while contents are read: a server that waits for our lists stands idle. */
const AHEAD = 2

/** One secret, with its line in the artifact, and what of it the server has and cannot read. */
export interface CapturedEntry {
  /** Undefined when nothing of it can be read. */
  readonly stored: { readonly entry: Entry; readonly line: Buffer } | undefined
  /** For people. */
  readonly unreadable: readonly string[]
}

/**
 * Every secret of a mount, each as it was at one moment. A page of metadata is read, then the contents, then the page
 * again; what moved between is read anew until it rests. Without metadata in lists that is done for each secret by itself.
 */
export async function* captureMount(mount: KvMount, client: Client, scan: boolean): AsyncGenerator<CapturedEntry> {
  const reads = pMapIterable(namesOf(mount, client, scan), (place) => readOne(mount, place, client), {
    concurrency: client.workers,
    backpressure: client.workers * 2,
  })
  const settle = (batch: Batch): Promise<readonly CapturedEntry[]> => settled(mount, batch, client)
  for await (const entries of pMapIterable(batchesOf(reads), settle, { concurrency: AHEAD })) yield* entries
}

interface Place {
  readonly page: Page
  readonly name: string
}

async function* namesOf(mount: KvMount, client: Client, scan: boolean): AsyncGenerator<Place> {
  const pages = walk(mount, client, scan ? scanOf(mount, client) : undefined)
  for await (const page of pMapIterable(pages, (listed) => listed, { concurrency: AHEAD }))
    for (const name of page.secrets) yield { page, name }
}

interface Held extends Place {
  /** Undefined when it was not there, or no longer what the list had said of it. */
  readonly read: CapturedEntry | undefined
}

async function readOne(mount: KvMount, place: Place, client: Client): Promise<Held> {
  const { page, name } = place
  const path = pathOf(page, name)
  const { path: at, version } = mount
  const info = page.infos?.get(name)
  const read = await ofWhatCanBe(mount, path, client, async () => {
    if (version === 1) return await readPlain(at, path, client)
    if (page.infos === undefined) return await readStable(at, path, client)
    return info && (await readVersions(at, path, info, client))
  })
  return { page, name, read }
}

/** One secret that a server in order cannot give is not the end of a capture. */
async function ofWhatCanBe(
  { path: mount }: KvMount,
  path: string,
  client: Client,
  read: () => Promise<Entry1 | ReadEntry2 | undefined>,
): Promise<CapturedEntry | undefined> {
  try {
    return withLine(await read())
  } catch (error) {
    if (!(await isUnreadable(error, client))) throw error
    return { stored: undefined, unreadable: [`secret ${mount}/${path}`] }
  }
}

function pathOf({ folder }: Page, name: string): string {
  return `${folder}${name}`
}

function withLine(read: Entry1 | ReadEntry2 | undefined): CapturedEntry | undefined {
  if (read === undefined) return undefined
  if (read.kv === 1 || read.unreadable === undefined)
    return { stored: { entry: read, line: Buffer.from(entryLine(read)) }, unreadable: [] }
  const { unreadable, ...entry } = read
  const names = unreadable.map((version) => `version ${version} of secret ${nameOf(entry)}`)
  return { stored: { entry, line: Buffer.from(entryLine(entry)) }, unreadable: names }
}

/** What was read of one page, or of a part of it. */
interface Batch {
  readonly page: Page
  readonly held: readonly Held[]
}

async function* batchesOf(reads: AsyncIterable<Held>): AsyncGenerator<Batch> {
  let held: Held[] = []
  let bytes = 0
  for await (const one of reads) {
    const page = held[0]?.page
    if (page !== undefined && (page !== one.page || bytes > HELD_BYTES)) {
      yield { page, held }
      held = []
      bytes = 0
    }
    held.push(one)
    bytes += one.read?.stored?.line.length ?? 0
  }
  if (held[0] !== undefined) yield { page: held[0].page, held }
}

/** What did not move since its page was listed, and the others read anew. */
async function settled(mount: KvMount, { page, held }: Batch, client: Client): Promise<readonly CapturedEntry[]> {
  const entries = page.infos === undefined ? held.map(({ read }) => read) : await stillOnes(mount, page, held, client)
  return entries.filter((entry) => entry !== undefined)
}

async function stillOnes(
  mount: KvMount,
  page: Page,
  held: readonly Held[],
  client: Client,
): Promise<readonly (CapturedEntry | undefined)[]> {
  const { infos: after } = await listAgain(mount, page, client)
  return pMap(
    held,
    async ({ name, read }) => {
      const [was, is] = [page.infos?.get(name), after?.get(name)]
      if (read !== undefined && was !== undefined && is !== undefined && isSameInfo(was, is)) return read
      const path = pathOf(page, name)
      return await ofWhatCanBe(mount, path, client, () => readStable(mount.path, path, client))
    },
    { concurrency: client.workers },
  )
}
