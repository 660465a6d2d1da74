import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { Context } from '../../../core/ports.ts'
import { describe } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { attributeTool } from '../tree/attributes.ts'
import { CappedList } from './capped-list.ts'
import { assertRunning } from '../failures.ts'
import { child, statOf, withFolder, type Folder } from '../tree/folder.ts'
import { mountsAt } from '../tree/mounts.ts'
import { rawOfText, shown } from '../tree/names.ts'
import type { FilesSettings } from '../schema.ts'
import { selectionOf } from './selection.ts'
import { walk } from '../tree/walk.ts'

/** Whether a backup would be able to read everything that is selected. Looks at every entry and reads no content. */
export async function checkFiles(settings: FilesSettings, context: Context): Promise<readonly Finding[]> {
  const subject = `folder ${settings.path}`
  const unusable = await notAFolder(settings.path)
  if (unusable !== undefined)
    return [{ level: 'error', subject, message: unusable, hint: 'Name the folder itself, by its absolute path.' }]
  try {
    const tree = await withFolder(settings.path, (root) => lookAt(settings, root, context))
    return [...tree, ...(await swapFindings(settings.path)), ...attributeFindings(subject)]
  } catch (error) {
    assertRunning(context.signal)
    return [
      { level: 'error', subject, message: describe(error), hint: 'Run Holdfast as root or as the owner of the files.' },
    ]
  }
}

async function notAFolder(path: string): Promise<string | undefined> {
  const stat = await statOf(path)
  if (stat === undefined) return 'is not there'
  if (stat.isSymbolicLink()) return 'is a symbolic link'
  return stat.isDirectory() ? undefined : 'is not a folder'
}

async function lookAt(settings: FilesSettings, root: Folder, context: Context): Promise<Finding[]> {
  const selection = selectionOf(settings)
  const subject = `folder ${settings.path}`
  const unreadable = new CappedList(10)
  let [entries, bytes] = [0, 0]
  for await (const { path, name, folder, stat } of walk(root, (found) => !selection.excludes(found.path))) {
    assertRunning(context.signal)
    if (!selection.includes(path) || selection.excludes(path)) continue
    entries += 1
    if (stat.isFile()) bytes += Number(stat.size)
    if (stat.isFile() && !(await isReadable(child(folder, name)))) unreadable.add(shown(path))
  }
  if (entries === 0) return [{ level: 'warning', subject, message: 'holds nothing that would be captured' }]
  const ok: Finding = { level: 'ok', subject, message: `${entries} entries, ${bytes} bytes` }
  if (unreadable.count === 0) return [ok]
  return [
    ok,
    {
      level: 'error',
      subject,
      message: `cannot read ${unreadable.toString()}`,
      hint: 'Run Holdfast as root or as the owner of the files, or exclude them.',
    },
  ]
}

async function isReadable(path: Buffer): Promise<boolean> {
  try {
    await access(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

async function swapFindings(path: string): Promise<Finding[]> {
  if (!(await mountsAt(path)).includes(rawOfText(path))) return []
  return [
    {
      level: 'warning',
      subject: `folder ${path}`,
      message: 'is a mount point: it can be restored in place only, not swapped',
      hint: 'Keep the data in a folder below the mount point to have swap and undo.',
    },
  ]
}

function attributeFindings(subject: string): Finding[] {
  if (attributeTool() !== undefined) return []
  return [
    {
      level: 'warning',
      subject,
      message:
        'extended attributes and ACLs are not captured, and without getfattr nobody can say whether there are any',
      hint: 'Install the package attr.',
    },
  ]
}
