import pMap, { pMapIterable } from 'p-map'
import type { Client } from './client.ts'
import type { Entry } from './entry.ts'
import type { KvMount } from './mounts.ts'
import { isSameInfo, readPlain, readStable, readVersions } from './read-entry.ts'
import type { SecretInfo } from './read-entry.ts'
import { listAgain, walk } from './walk.ts'
import type { Page } from './walk.ts'

/** What is read before it is known to have been still. */
const HELD_BYTES = 8 * 1024 * 1024

/**
 * Every secret of a mount, each as it was at one moment. A page of metadata is read, then the contents, then the page
 * again; what moved between is read anew until it rests. Without metadata in lists that is done for each secret by itself.
 */
export async function* captureMount(mount: KvMount, client: Client): AsyncGenerator<Entry> {
  for await (const page of walk(mount, client)) {
    if (mount.version === 1)
      yield* present(readAll(page, (name) => readPlain(mount.path, pathOf(page, name), client), client))
    else if (page.infos === undefined)
      yield* present(readAll(page, (name) => readStable(mount.path, pathOf(page, name), client), client))
    else yield* stillPage(mount, page, page.infos, client)
  }
}

function pathOf({ folder }: Page, name: string): string {
  return `${folder}${name}`
}

/** In the order of the page, at most a few ahead of the reader. */
function readAll(
  page: Page,
  read: (name: string) => Promise<Entry | undefined>,
  client: Client,
): AsyncIterable<Entry | undefined> {
  return pMapIterable(page.secrets, read, { concurrency: client.workers, backpressure: client.workers * 2 })
}

async function* present(entries: AsyncIterable<Entry | undefined>): AsyncGenerator<Entry> {
  for await (const entry of entries) if (entry !== undefined) yield entry
}

interface Held {
  readonly name: string
  readonly entry: Entry | undefined
}

async function* stillPage(
  mount: KvMount,
  page: Page,
  infos: ReadonlyMap<string, SecretInfo>,
  client: Client,
): AsyncGenerator<Entry> {
  const read = async (name: string): Promise<Held> => {
    const info = infos.get(name)
    return { name, entry: info && (await readVersions(mount.path, pathOf(page, name), info, client)) }
  }
  let held: Held[] = []
  let bytes = 0
  for await (const one of pMapIterable(page.secrets, read, {
    concurrency: client.workers,
    backpressure: client.workers * 2,
  })) {
    held.push(one)
    bytes += sizeOf(one.entry)
    if (bytes < HELD_BYTES) continue
    yield* settled(mount, page, infos, held, client)
    held = []
    bytes = 0
  }
  yield* settled(mount, page, infos, held, client)
}

async function* settled(
  mount: KvMount,
  page: Page,
  before: ReadonlyMap<string, SecretInfo>,
  held: readonly Held[],
  client: Client,
): AsyncGenerator<Entry> {
  const { infos: after } = await listAgain(mount, page, client)
  const entries = await pMap(
    held,
    async ({ name, entry }) => {
      const [was, is] = [before.get(name), after?.get(name)]
      if (entry !== undefined && was !== undefined && is !== undefined && isSameInfo(was, is)) return entry
      return await readStable(mount.path, pathOf(page, name), client)
    },
    { concurrency: client.workers },
  )
  for (const entry of entries) if (entry !== undefined) yield entry
}

/** Roughly; strings dominate. */
function sizeOf(entry: Entry | undefined): number {
  return entry === undefined ? 0 : JSON.stringify(entry).length
}
