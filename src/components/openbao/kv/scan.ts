import { isFailure } from '../../../core/failure.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { encodePath, isOwnPath } from './kv-paths.ts'
import type { KvMount } from './mounts.ts'
import { reasonFor } from '../capture/not-readable.ts'
import { detailed, infosOf, PAGE, type Listing, type OpenFolder, type Page, type Shortcut } from './walk.ts'

/** Some 20,000 secrets with one version each. The answer cannot be had in pages, and takes several times as much once parsed. */
const LARGEST = 8 * 1024 * 1024
/** From so many folders on that are still to be listed. */
const MANY_FOLDERS = 64
/** Folders with secrets, by which the size of the answer is told. */
const SAMPLE = 8

/**
 * One request (SCAN, https://openbao.org/api-docs/secret/kv/kv-v2/) in the place of many lists, for a mount of version 2.
 * It is tried once, when many folders are open and those listed so far let expect at most half of what is taken: the
 * server makes the answer as a whole in its memory. Lists go on where the token may not, the server does not know it, or
 * the answer is too large all the same.
 */
export function scanOf(mount: KvMount, client: Client): Shortcut {
  const sample = { folders: 0, length: 0 }
  let isOver = mount.version !== 2
  return {
    take: async (listed, open) => {
      for (const { length } of listed.filter(isSample)) {
        sample.folders += 1
        sample.length += length
      }
      if (isOver || !isWorth(sample, open)) return undefined
      isOver = true
      const pages = await scanPages(mount, client)
      return pages && within(pages, open)
    },
  }
}

function isSample({ secrets, infos }: Listing): boolean {
  return secrets.length > 0 && infos !== undefined
}

/** A folder of which only a part is listed would be had twice. */
function isWorth({ folders, length }: { folders: number; length: number }, open: readonly OpenFolder[]): boolean {
  if (open.length < MANY_FOLDERS || folders < SAMPLE || open.some(({ after }) => after !== '')) return false
  return (length / folders) * open.length <= LARGEST / 2
}

/** Pure: the pages of these folders and of all in them; the others were listed. */
export function within(pages: readonly Page[], open: readonly OpenFolder[]): readonly Page[] {
  const folders = new Set(open.map(({ folder }) => folder))
  return pages.filter(({ folder }) => partsOf(folder).some((one) => folders.has(one)))
}

/** `a/b/` is in `a/` and in itself. */
function partsOf(folder: string): readonly string[] {
  const names = folder.split('/').slice(0, -1)
  return names.map((_, index) => `${names.slice(0, index + 1).join('/')}/`)
}

/** All secrets of a mount as pages that `walk` could have given. Undefined where they cannot be had at once. */
async function scanPages(mount: KvMount, client: Client): Promise<readonly Page[] | undefined> {
  const path = `${encodePath(mount.path)}/detailed-metadata/?scan=true`
  const answer = await client
    .call({ path, accept: [403, 404, 405], largest: LARGEST })
    .catch((error: unknown) => unlessOfScan(error, client))
  if (answer?.status !== 200) return undefined
  const { data } = parseAnswer(answer, detailed, `scan of ${mount.path}`)
  return pagesOf(
    data.keys.filter((path) => !isOwnPath(path)),
    infosOf(data.key_info),
  )
}

/** Too large, or what the server cannot give at once: lists say of which folder. */
async function unlessOfScan(error: unknown, client: Client): Promise<undefined> {
  if (isFailure(error, 'unsupported') || (await reasonFor(error, client)) !== undefined) return undefined
  throw error
}

/** Pure: what is in one folder, at most a page of it. */
export function pagesOf(paths: readonly string[], infos: NonNullable<Page['infos']>): readonly Page[] {
  const secrets = paths.filter((path) => !path.endsWith('/'))
  return [...Map.groupBy(secrets, folderOf)].flatMap(([folder, inFolder]) => {
    const names = inFolder.map((path) => path.slice(folder.length)).toSorted(byCode)
    return Array.from({ length: Math.ceil(names.length / PAGE) }, (_, index) => {
      const some = names.slice(index * PAGE, (index + 1) * PAGE)
      const known = some.flatMap((name) => {
        const info = infos.get(`${folder}${name}`)
        return info === undefined ? [] : [[name, info] as const]
      })
      return { folder, after: names[index * PAGE - 1] ?? '', secrets: some, infos: new Map(known) }
    })
  })
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function byCode(one: string, other: string): number {
  return one < other ? -1 : 1
}
