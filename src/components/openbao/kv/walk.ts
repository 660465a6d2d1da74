import pMap from 'p-map'
import { z } from 'zod'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { secretValue } from './entry.ts'
import { encodePath, isOwnPath } from './kv-paths.ts'
import type { KvMount } from './mounts.ts'
import { secretInfo } from './read-entry.ts'
import type { SecretInfo } from './read-entry.ts'

/** Names that one list gives. */
export const PAGE = 500
const AT_ONCE = 8
const MOST_PAGES = 3

/** Some secrets of one folder. */
export interface Page {
  /** Empty, or with a slash at the end. */
  readonly folder: string
  /** The name before the first, by which this page is asked for again. */
  readonly after: string
  readonly secrets: readonly string[]
  /** Metadata by name where the server gives it with the list; undefined where the token may not have it so. */
  readonly infos: ReadonlyMap<string, SecretInfo> | undefined
}

/** An empty mount of version 1 has no list, rather than an empty one. */
const keys = z.object({ data: z.object({ keys: z.array(z.string()).default([]) }) })
export const detailed = z.object({
  data: z.object({ keys: z.array(z.string()), key_info: secretValue }),
})

/** A folder that is still to be listed, or what of it is behind a page. */
export interface OpenFolder {
  readonly folder: string
  /** The last name of the page before; empty at the start. */
  readonly after: string
  /** The first name of that page. */
  readonly before?: string
}

export interface Listing extends Page {
  readonly folders: readonly string[]
  readonly next: Omit<OpenFolder, 'folder'> | undefined
  /** Characters of the answer. */
  readonly length: number
}

/** A way to have all that is in the folders that are still open at once; undefined where they are to be listed on. */
export interface Shortcut {
  readonly take: (listed: readonly Listing[], open: readonly OpenFolder[]) => Promise<readonly Page[] | undefined>
}

/** What is done about a folder that cannot be listed: throws, or the others are listed on. */
export type PassOver = (folder: string, error: unknown) => Promise<void>

/**
 * All secrets of a mount, in pages; several folders are listed at once. What a restore of ours keeps is passed over.
 * Lists are not filtered by what the token may read: a name can be here and its contents denied.
 */
export async function* walk(
  mount: KvMount,
  client: Client,
  shortcut?: Shortcut,
  passOver?: PassOver,
): AsyncGenerator<Page> {
  let open: OpenFolder[] = [{ folder: '', after: '' }]
  while (open.length > 0) {
    const listings = (await pMap(open.splice(0, AT_ONCE), (from) => listOrPass(mount, from, client, passOver))).filter(
      (listing) => listing !== undefined,
    )
    // What was found first: the folders in a folder before its neighbours, so that fewer are open.
    open = [...listings.flatMap(openedBy), ...open]
    yield* listings.filter(({ secrets }) => secrets.length > 0)
    const rest = await shortcut?.take(listings, open)
    if (rest === undefined) continue
    yield* rest
    return
  }
}

async function listOrPass(
  mount: KvMount,
  from: OpenFolder,
  client: Client,
  passOver: PassOver | undefined,
): Promise<Listing | undefined> {
  if (passOver === undefined) return await list(mount, from, client)
  try {
    return await list(mount, from, client)
  } catch (error) {
    await passOver(from.folder, error)
    return undefined
  }
}

function openedBy({ folder, folders, next }: Listing): readonly OpenFolder[] {
  const inside = folders.map((name) => ({ folder: `${folder}${name}`, after: '' }))
  return next === undefined ? inside : [{ folder, ...next }, ...inside]
}

/** The same page as it is now. */
export async function listAgain(mount: KvMount, { folder, after }: Page, client: Client): Promise<Page> {
  return list(mount, { folder, after }, client)
}

/**
 * What the server says now of these secrets of a version 2 mount. Those that a few pages do not show are left out, and all
 * where the token may not list metadata.
 */
export async function listInfos(
  mount: string,
  folder: string,
  names: readonly string[],
  client: Client,
): Promise<ReadonlyMap<string, SecretInfo>> {
  const found = new Map<string, SecretInfo>()
  let after = beforeName(names[0] ?? '')
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const listed = await listDetailed({ path: mount }, { folder, after }, client)
    for (const [name, info] of listed?.infos ?? []) found.set(name, info)
    const last = listed?.names.at(-1)
    if (listed?.names.length !== PAGE || last === undefined || found.has(names.at(-1) ?? '')) break
    after = last
  }
  return found
}

/** Sorts before a name, and after all that sort much before it. */
function beforeName(name: string): string {
  return Array.from(name).slice(0, -1).join('')
}

async function list(mount: KvMount, from: OpenFolder, client: Client): Promise<Listing> {
  const { names, infos, length } =
    (mount.version === 2 ? await listDetailed(mount, from, client) : undefined) ??
    (await listPlain(mount, from, client))
  const isNext = isNextPage(names, from)
  const fresh = isNext ? names.filter((name) => !isOwnPath(`${from.folder}${name}`)) : []
  const [before = '', after = ''] = [names[0], names.at(-1)]
  return {
    ...from,
    secrets: fresh.filter((name) => !name.endsWith('/')),
    folders: fresh.filter((name) => name.endsWith('/')),
    infos,
    length,
    next: isNext && names.length === PAGE ? { before, after } : undefined,
  }
}

/** A server that does not know pages, as Vault, gives everything again: it all was in the page before, which only looked full. */
function isNextPage(names: readonly string[], { after, before }: OpenFolder): boolean {
  return after === '' || !(names.includes(after) || (before !== undefined && names.includes(before)))
}

interface Names {
  readonly names: readonly string[]
  readonly infos: ReadonlyMap<string, SecretInfo> | undefined
  readonly length: number
}

interface Detailed extends Names {
  readonly infos: ReadonlyMap<string, SecretInfo>
}

/** Undefined where the token may not, or the server does not know it. */
async function listDetailed(
  mount: Pick<KvMount, 'path'>,
  from: OpenFolder,
  client: Client,
): Promise<Detailed | undefined> {
  const answer = await client.call({ path: listPath(`${mount.path}/detailed-metadata`, from), accept: [403, 404, 405] })
  if (answer.status !== 200) return undefined
  const { data } = parseAnswer(answer, detailed, `list of ${mount.path}`)
  return { names: data.keys, infos: infosOf(data.key_info), length: answer.length ?? 0 }
}

/** Those that are metadata of a secret; folders have none. */
export function infosOf(found: Readonly<Record<string, unknown>>): ReadonlyMap<string, SecretInfo> {
  const infos = new Map<string, SecretInfo>()
  for (const [name, info] of Object.entries(found)) {
    const parsed = secretInfo.safeParse(info)
    if (parsed.success) infos.set(name, parsed.data)
  }
  return infos
}

async function listPlain(mount: KvMount, from: OpenFolder, client: Client): Promise<Names> {
  const base = mount.version === 2 ? `${mount.path}/metadata` : mount.path
  const answer = await client.call({ path: listPath(base, from), accept: [404] })
  const { length = 0 } = answer
  if (answer.status === 404) return { names: [], infos: undefined, length }
  return { names: parseAnswer(answer, keys, `list of ${mount.path}`).data.keys, infos: undefined, length }
}

function listPath(base: string, { folder, after }: OpenFolder): string {
  const query = after === '' ? '' : `&after=${encodeURIComponent(after)}`
  return `${encodePath(base)}/${encodePath(folder)}?list=true&limit=${PAGE}${query}`
}
