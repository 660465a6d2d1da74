import { dirname } from 'node:path'
import type { Finding } from '../../../core/restore-point.ts'
import { makeFolders } from '../../../system/files/sync-folder.ts'
import { naming } from '../failures.ts'
import { statOf } from './folder.ts'

/** The nearest folder above `path` that is there: on a new host perhaps none of those that the app had. */
export async function nearestParent(path: string): Promise<string> {
  const parent = dirname(path)
  return parent === path || (await statOf(parent)) !== undefined ? parent : await nearestParent(parent)
}

/** Says of the folder above `path` that a restore makes it. */
export async function parentFindings(path: string): Promise<readonly Finding[]> {
  const parent = dirname(path)
  if ((await nearestParent(path)) === parent) return []
  const message = 'is not there and will be made, readable for all'
  const hint = 'Make it first if it should belong to somebody else, or if a volume should be mounted there.'
  return [{ level: 'warning', subject: `folder ${parent}`, message, hint }]
}

/** Makes the folders above `path` that are missing. */
export async function makeParents(path: string): Promise<void> {
  const parent = dirname(path)
  await naming('make folder', parent, () => makeFolders(parent, 0o755))
}
