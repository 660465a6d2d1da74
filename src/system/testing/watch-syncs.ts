import { readdirSync, readlinkSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { TestContext } from 'node:test'

/** A file or folder that was synced, and what was in the folder at that moment. */
export interface Sync {
  readonly path: string
  readonly names: readonly string[] | undefined
}

/**
 * Notes each sync as it happens; its content reaches the disk. `failWith` gives what a file system without a sync of folders answers.
 * What is not synced is what a power loss may take.
 */
export async function watchSyncs(t: TestContext, failWith?: string): Promise<readonly Sync[]> {
  const handle = await open('/', 'r')
  await handle.close()
  const syncs: Sync[] = []
  // Every handle has the same prototype, which has no name: Node does not export the class.
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  t.mock.method(prototype, 'sync', async function sync(this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`)
    const isFolder = (await this.stat()).isDirectory()
    syncs.push({ path, names: isFolder ? readdirSync(path).sort() : undefined })
    if (isFolder && failWith !== undefined) throw Object.assign(new Error(failWith), { code: failWith })
    await this.datasync()
  })
  return syncs
}
