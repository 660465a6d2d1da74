import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { currentUser, localAccounts, strangers, type AccountName } from '../tree/accounts.ts'
import { CappedList } from '../capture/capped-list.ts'
import { specialKind } from '../tree/describe.ts'
import { statOf, withFolder } from '../tree/folder.ts'
import { mountsAt } from '../tree/mounts.ts'
import { rawOfText, shown } from '../tree/names.ts'
import { nearestParent, parentFindings } from '../tree/parents.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'
import { selectionOf } from '../capture/selection.ts'
import { walk } from '../tree/walk.ts'

/** File systems need room of their own: folders, and blocks that are only partly used. */
const HEADROOM = 1.1
const BLOCK = 4096

/** What would make a restore beside `settings.path`, and the swap, fail or lose something. */
export async function preflightSwap(settings: FilesSettings, details: FilesDetails): Promise<readonly Finding[]> {
  const parent = await nearestParent(settings.path)
  const live = await liveFinding(settings.path)
  const findings = [
    live,
    ...(await parentFindings(settings.path)),
    ...(await mountFindings(settings.path)),
    await writable(parent),
    await room(parent, details.bytes, details.entries),
    ...(await ownerFindings(details)),
    ...linkFindings(details),
  ]
  return live.level === 'ok' ? [...findings, ...(await uncaptured(settings.path, details))] : findings
}

export async function preflightInPlace({ path }: FilesSettings, details: FilesDetails): Promise<readonly Finding[]> {
  const there = (await statOf(path)) !== undefined
  const folder = there ? path : await nearestParent(path)
  return [
    await liveFinding(path),
    ...(await parentFindings(path)),
    {
      level: 'warning',
      subject: `folder ${path}`,
      message: 'an in-place restore writes over what is there and cannot be undone; what was not captured stays',
    },
    await writable(folder),
    // Every file is made whole before it replaces one, so at least the largest needs room beside the rest.
    await room(folder, there ? details.largestFile : details.bytes, there ? 0 : details.entries),
    ...(await ownerFindings(details)),
    ...linkFindings(details),
  ]
}

export async function preflightScratch(folder: string, details: FilesDetails): Promise<readonly Finding[]> {
  return [await writable(folder), await room(folder, details.bytes, details.entries), ...(await ownerFindings(details))]
}

async function liveFinding(path: string): Promise<Finding> {
  const subject = `folder ${path}`
  const stat = await statOf(path)
  if (stat === undefined) return { level: 'warning', subject, message: 'is not there and will be made' }
  if (stat.isDirectory()) return { level: 'ok', subject, message: 'is there' }
  const what = stat.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder'
  return { level: 'error', subject, message: what, hint: 'Name the folder itself in the configuration.' }
}

async function mountFindings(path: string): Promise<Finding[]> {
  const [folder, parent] = [await statOf(path), await statOf(dirname(path))]
  const mounts = await mountsAt(path)
  const isMounted = folder !== undefined && parent !== undefined && folder.dev !== parent.dev
  if (isMounted || mounts.includes(rawOfText(path))) {
    return [
      {
        level: 'error',
        subject: `folder ${path}`,
        message: 'is a mount point and cannot be renamed',
        hint: 'Restore it with --target in-place, or keep the data in a folder below the mount point.',
      },
    ]
  }
  return mounts.map((mount) => ({
    level: 'error',
    subject: `folder ${path}`,
    message: `something is mounted inside it, at ${shown(mount)}, and would go away with the previous folder`,
    hint: 'Unmount it for the time of the restore, or restore with --target in-place.',
  }))
}

async function writable(folder: string): Promise<Finding> {
  const subject = `folder ${folder}: write`
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    return { level: 'ok', subject, message: 'is allowed' }
  } catch (error) {
    return {
      level: 'error',
      subject,
      message: describe(error),
      hint: 'Run Holdfast as root or as the owner of this folder.',
    }
  }
}

async function room(folder: string, bytes: number, entries: number): Promise<Finding> {
  const subject = `folder ${folder}: free space`
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    const needed = Math.ceil((bytes + entries * BLOCK) * HEADROOM)
    if (bavail * bsize < needed)
      return {
        level: 'error',
        subject,
        message: `${bavail * bsize} bytes are free and ${needed} are needed`,
        hint: 'Free some space or restore elsewhere.',
      }
    // File systems without a table of files say 0 of 0.
    if (files > 0 && ffree < entries)
      return { level: 'error', subject, message: `only ${ffree} more files fit and ${entries} are needed` }
    return { level: 'ok', subject, message: `${bavail * bsize} bytes are free` }
  } catch (error) {
    return { level: 'untested', subject, message: describe(error) }
  }
}

async function ownerFindings({ users, groups, root }: FilesDetails): Promise<Finding[]> {
  const [uid, here] = [await currentUser(), await localAccounts()]
  const foreign = users.some(({ id }) => id !== uid) || root.uid !== uid
  const rights: Finding[] =
    uid === 0 || !foreign
      ? []
      : [
          {
            level: 'warning',
            subject: 'owners',
            message: `only root can restore owners and set-user-ID bits; everything will belong to user ${uid}`,
            hint: 'Run the restore as root to keep owners.',
          },
        ]
  return [
    ...rights,
    ...nameFindings('user', strangers(users, here.users)),
    ...nameFindings('group', strangers(groups, here.groups)),
  ]
}

function nameFindings(kind: string, others: readonly AccountName[]): Finding[] {
  return others.map(({ id, name }) => ({
    level: 'warning',
    subject: `${kind} ${name}`,
    message: `had number ${id} where it was captured and has not here; owners are restored by number`,
  }))
}

function linkFindings({ escapingLinks: { count, examples } }: FilesDetails): Finding[] {
  if (count === 0) return []
  const message = `${count} symbolic links point out of the folder and are restored as they were, never followed: ${examples.slice(0, 5).join(', ')}`
  return [{ level: 'warning', subject: 'symbolic links', message }]
}

/** What a swap takes out of the live folder without bringing it back. */
async function uncaptured(path: string, details: FilesDetails): Promise<Finding[]> {
  const selection = selectionOf(details)
  const names = new CappedList(5)
  await withFolder(path, async (root) => {
    for await (const { path: below, stat } of walk(root, ({ path: folder }) => !selection.excludes(folder))) {
      const selected = !selection.excludes(below) && (stat.isDirectory() || selection.includes(below))
      if (!selected || specialKind(stat) !== undefined) names.add(shown(below))
    }
  })
  if (names.count === 0) return []
  return [
    {
      level: 'warning',
      subject: `folder ${path}`,
      message: `${names.count} entries are not of a kind or name that was captured and will be only in the previous folder: ${names.toString()}`,
    },
  ]
}
