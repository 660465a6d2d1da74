import { lstat, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import { hasCode } from './errno.ts'
import { isAlive, ownerName } from './folder-owner.ts'

/**
 * A new empty folder that only we can enter (0700). Whoever makes it removes it; where that one is killed, a later run
 * does. One that is `kept` outlives its process, and is only removed by others when nothing is in it.
 */
export async function makeTemporaryFolder(
  lifetime: 'of this process' | 'kept' = 'of this process',
  within = tmpdir(),
): Promise<string> {
  const owner = await ownerName()
  try {
    return await mkdtemp(join(within, `holdfast-${lifetime === 'kept' ? KEPT : ''}${owner}`))
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause
    throw new Failure('refused', `the folder for temporary files ${within} is not there`, {
      cause,
      hint: 'Make it, or let TMPDIR name another one.',
    })
  }
}

/** Short enough for every path that has a limit, whatever TMPDIR names. */
export const SHORT_FOLDER = '/tmp'
const KEPT = 'kept-'
const NAME = /^holdfast-(kept-)?([0-9a-z]+-[0-9a-z]+-[0-9a-z]+-)[A-Za-z0-9]{6}$/

/** Removes the temporary folders of this user whose processes are gone. What cannot be removed stays for the next run. */
export async function removeAbandonedFolders(): Promise<void> {
  for (const folder of new Set([tmpdir(), SHORT_FOLDER])) await removeAbandonedIn(folder)
}

async function removeAbandonedIn(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, kept, owner = ''] = NAME.exec(name) ?? []
    const path = join(folder, name)
    if (owner === '' || !(await isOurFolder(path)) || (await isAlive(owner))) continue
    // Somebody may look at what a restore has left there to be looked at; only its own record knows.
    await (kept === undefined ? removeTemporaryFolder(path) : rmdir(path)).catch(() => {})
  }
}

async function isOurFolder(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined)
  return stat !== undefined && stat.isDirectory() && stat.uid === process.getuid?.()
}

export function removeTemporaryFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

/** Gives `act` a new private folder and removes it with all that is in it afterwards, whatever happens. */
export async function withTemporaryFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await makeTemporaryFolder()
  try {
    return await act(folder)
  } finally {
    await removeTemporaryFolder(folder)
  }
}
