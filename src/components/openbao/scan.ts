import { isFailure } from '../../core/failure.ts'
import { parseAnswer } from './client.ts'
import type { Client } from './client.ts'
import { encodePath, isOwnPath } from './kv-paths.ts'
import type { KvMount } from './mounts.ts'
import { detailed, infosOf, PAGE, type Page } from './walk.ts'

/** Some 20,000 secrets with one version each. The answer cannot be had in pages, and takes several times as much once parsed. */
const LARGEST = 8 * 1024 * 1024

/**
 * All secrets of a mount of version 2 from one request (SCAN, https://openbao.org/api-docs/secret/kv/kv-v2/), as pages that
 * `walk` could have given. Undefined where the token may not, the server does not know it, or there are too many.
 */
export async function scanPages(mount: KvMount, client: Client): Promise<readonly Page[] | undefined> {
  if (mount.version !== 2) return undefined
  const path = `${encodePath(mount.path)}/detailed-metadata/?scan=true`
  const answer = await client
    .call({ path, accept: [403, 404, 405], largest: LARGEST })
    .catch((error: unknown) => unlessTooLarge(error))
  if (answer?.status !== 200) return undefined
  const { data } = parseAnswer(answer, detailed, `scan of ${mount.path}`)
  return pagesOf(
    data.keys.filter((path) => !isOwnPath(path)),
    infosOf(data.key_info),
  )
}

function unlessTooLarge(error: unknown): undefined {
  if (isFailure(error, 'unsupported')) return undefined
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
