import pMap, { pMapIterable } from 'p-map'
import type { Client } from '../client/client.ts'
import { entryLine, nameOf } from '../kv/entry.ts'
import type { Entry, Entry1 } from '../kv/entry.ts'
import type { KvMount } from '../kv/mounts.ts'
import { reasonFor } from './not-readable.ts'
import type { Missing, MissingList } from './not-readable.ts'
import { isSameInfo, readPlain, readStable, readVersions } from '../kv/read-entry.ts'
import type { ReadEntry2 } from '../kv/read-entry.ts'
import { scanOf } from '../kv/scan.ts'
import { listAgain, walk } from '../kv/walk.ts'
import type { PassOver, Page } from '../kv/walk.ts'

/** What is read before it is known to have been still. A few of these are held at once. */
const HELD_BYTES = 4 * 1024 * 1024
/** Pages listed, and pages looked at again, while contents are read: a server that waits for our lists stands idle. */
const AHEAD = 2

/** One secret, with its line in the artifact, and what of it cannot be read. */
export interface CapturedEntry {
  /** Undefined when nothing of it can be read. */
  readonly stored: { readonly entry: Entry; readonly line: Buffer } | undefined
  readonly missing: readonly Missing[]
  /** Why. */
  readonly error?: unknown
}

/**
 * Every secret of a mount, each as it was at one moment. A page of metadata is read, then the contents, then the page
 * again; what moved between is read anew until it rests. Without metadata in lists that is done for each secret by itself.
 * Folders that cannot be listed go to `missing`.
 */
export async function* captureMount(
  mount: KvMount,
  client: Client,
  scan: boolean,
  missing: MissingList,
): AsyncGenerator<CapturedEntry> {
  const reads = pMapIterable(namesOf(mount, client, scan, missing), (place) => readOne(mount, place, client), {
    concurrency: client.workers,
    backpressure: client.workers * 2,
  })
  const settle = (batch: Batch): Promise<readonly CapturedEntry[]> => settled(mount, batch, client)
  for await (const entries of pMapIterable(batchesOf(reads), settle, { concurrency: AHEAD })) yield* entries
}

interface MountSource {
  readonly page: Page
  readonly name: string
}

async function* namesOf(
  mount: KvMount,
  client: Client,
  scan: boolean,
  missing: MissingList,
): AsyncGenerator<MountSource> {
  const passOver: PassOver = async (folder, error) => {
    const reason = await reasonFor(error, client)
    if (reason === undefined) throw error
    missing.add([{ what: folder === '' ? `mount ${mount.path}` : `the folder ${mount.path}/${folder}`, reason }], error)
  }
  const pages = walk(mount, client, scan ? scanOf(mount, client) : undefined, passOver)
  for await (const page of pMapIterable(pages, (listed) => listed, { concurrency: AHEAD }))
    for (const name of page.secrets) yield { page, name }
}

interface Held extends MountSource {
  /** Undefined when it was not there, or no longer what the list had said of it. */
  readonly read: CapturedEntry | undefined
}

async function readOne(mount: KvMount, place: MountSource, client: Client): Promise<Held> {
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

/** One secret that cannot be read where others can is not the end of a capture. */
async function ofWhatCanBe(
  { path: mount }: KvMount,
  path: string,
  client: Client,
  read: () => Promise<Entry1 | ReadEntry2 | undefined>,
): Promise<CapturedEntry | undefined> {
  try {
    return withLine(await read())
  } catch (error) {
    const reason = await reasonFor(error, client)
    if (reason === undefined) throw error
    return { stored: undefined, missing: [{ what: `secret ${mount}/${path}`, reason }], error }
  }
}

function pathOf({ folder }: Page, name: string): string {
  return `${folder}${name}`
}

function withLine(read: Entry1 | ReadEntry2 | undefined): CapturedEntry | undefined {
  if (read === undefined) return undefined
  if (read.kv === 1 || read.unreadable === undefined)
    return { stored: { entry: read, line: Buffer.from(entryLine(read)) }, missing: [] }
  const { unreadable, ...entry } = read
  const missing = unreadable.map(
    (version) => ({ what: `version ${version} of secret ${nameOf(entry)}`, reason: 'the server cannot' }) as const,
  )
  return { stored: { entry, line: Buffer.from(entryLine(entry)) }, missing }
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

/** Undefined where the folder can no longer be listed: then each of its secrets says by itself whether it can be read. */
async function infosAgain(mount: KvMount, page: Page, client: Client): Promise<Page['infos']> {
  try {
    return (await listAgain(mount, page, client)).infos
  } catch (error) {
    if ((await reasonFor(error, client)) === undefined) throw error
    return undefined
  }
}

async function stillOnes(
  mount: KvMount,
  page: Page,
  held: readonly Held[],
  client: Client,
): Promise<readonly (CapturedEntry | undefined)[]> {
  const after = await infosAgain(mount, page, client)
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
