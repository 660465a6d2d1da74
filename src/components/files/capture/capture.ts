import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { nothingThere } from '../../nothing-there.ts'
import { localAccounts, type Accounts } from '../tree/accounts.ts'
import { findAttributes } from '../tree/attributes.ts'
import { captureFile } from './capture-file.ts'
import { CaptureStats } from './capture-stats.ts'
import { factsOf, specialKind, targetOf } from '../tree/describe.ts'
import type { DirectoryEntry, FileEntry } from './entry.ts'
import { assertRunning, fileFailure, naming } from '../failures.ts'
import { openFolder, type Folder } from '../tree/folder.ts'
import { HardLinks } from '../tree/hard-links.ts'
import type { LineChannel } from './line-channel.ts'
import { ROOT, shown } from '../tree/names.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'
import { isOwn, selectionOf, type Selection } from './selection.ts'
import { endOfArchive, tarHeader } from './tar-header.ts'
import { walk, type Found } from '../tree/walk.ts'
import { PendingFolders } from './pending-folders.ts'
import { writeBoth } from './write-both.ts'
import { WORDS } from './not-captured-words.ts'

/**
 * Captures a folder as a pax archive and, at the same time, the list of its entries. Both are deterministic: the same
 * tree gives the same bytes. Files are read one after the other, each whole; the folder as a whole is not frozen.
 */
export async function captureFiles(
  settings: FilesSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<FilesDetails>> {
  const selection = selectionOf(settings)
  const root = await openRoot(settings.path)
  try {
    const tree = await treeOf(settings, root, selection)
    await writeBoth((lines) => archiveOf(tree, lines, context), sink)
    const attributes = await findAttributes(settings.path, selection, context)
    const notCaptured = [...tree.stats.notCaptured(), ...(attributes === undefined ? [] : [attributes])]
    return { details: detailsOf(settings, tree), notCaptured }
  } finally {
    await root.handle.close()
  }
}

async function openRoot(path: string): Promise<Folder> {
  try {
    return await naming('open folder', path, () => openFolder(path))
  } catch (error) {
    throw isFailure(error, 'notFound') ? nothingThere(error.message, { cause: error.cause }) : error
  }
}

/** What one capture reads and where it counts. */
interface Tree {
  readonly settings: FilesSettings
  readonly root: Folder
  readonly rootEntry: DirectoryEntry
  readonly selection: Selection
  readonly accounts: Accounts
  readonly device: bigint
  readonly stats: CaptureStats
  readonly links: HardLinks
}

async function treeOf(settings: FilesSettings, root: Folder, selection: Selection): Promise<Tree> {
  const accounts = await localAccounts()
  const stat = await root.handle.stat({ bigint: true })
  const rootEntry: DirectoryEntry = { ...factsOf(ROOT, stat, accounts), type: 'directory' }
  return {
    settings,
    root,
    rootEntry,
    selection,
    accounts,
    device: stat.dev,
    stats: new CaptureStats(),
    links: new HardLinks(),
  }
}

async function* archiveOf(tree: Tree, lines: LineChannel, context: Context): AsyncGenerator<Uint8Array> {
  const pending = new PendingFolders()
  yield* withoutContent(tree.rootEntry, tree, lines)
  for await (const found of walk(tree.root, (below) => isReachable(below, tree))) {
    assertRunning(context.signal)
    if (!isReachable(found, tree)) {
      nameUnreachable(found, tree)
    } else if (tree.selection.includes(found.path)) {
      for (const folder of pending.takeAbove(found.path)) yield* withoutContent(folder, tree, lines)
      yield* captureOne(found, tree, lines, context)
    } else if (found.stat.isDirectory()) {
      pending.add({ ...factsOf(found.path, found.stat, tree.accounts), type: 'directory' })
    }
  }
  yield endOfArchive()
  lines.end()
}

/** Neither excluded nor on another file system, unless those are wanted. */
function isReachable({ path, stat }: Found, { settings, selection, device }: Tree): boolean {
  return !selection.excludes(path) && (settings.crossFilesystems || stat.dev === device)
}

/** What the settings exclude is not named: whoever wrote them knows. */
function nameUnreachable({ path }: Found, { selection, stats }: Tree): void {
  if (isOwn(path)) stats.omit(WORDS.own, path)
  else if (!selection.excludes(path)) stats.omit(WORDS.elsewhere, path)
}

async function* captureOne(found: Found, tree: Tree, lines: LineChannel, context: Context): AsyncGenerator<Uint8Array> {
  const { path, stat } = found
  const special = specialKind(stat)
  try {
    if (special !== undefined) tree.stats.omit(WORDS.special(special), path)
    else if (stat.isDirectory())
      yield* withoutContent({ ...factsOf(path, stat, tree.accounts), type: 'directory' }, tree, lines)
    else if (stat.isSymbolicLink()) yield* captureSymlink(found, tree, lines)
    else yield* captureRegular(found, tree, lines, context)
  } catch (error) {
    throw fileFailure('read', `${tree.settings.path}/${shown(path)}`, error)
  }
}

async function* captureSymlink(found: Found, tree: Tree, lines: LineChannel): AsyncGenerator<Uint8Array> {
  const target = await targetOf(found)
  if (target === undefined) return
  yield* withoutContent({ ...factsOf(found.path, found.stat, tree.accounts), type: 'symlink', target }, tree, lines)
}

async function* captureRegular(
  found: Found,
  tree: Tree,
  lines: LineChannel,
  context: Context,
): AsyncGenerator<Uint8Array> {
  const target = tree.links.firstOf(found.stat)
  if (target === undefined) yield* captureContent(found, tree, lines, context)
  else yield* withoutContent({ ...factsOf(found.path, found.stat, tree.accounts), type: 'link', target }, tree, lines)
}

async function* captureContent(
  found: Found,
  tree: Tree,
  lines: LineChannel,
  context: Context,
): AsyncGenerator<Uint8Array> {
  const captured = yield* captureFile(found, tree.accounts, context)
  if (captured !== undefined) {
    tree.links.remember(found.path, captured.stat)
    await lines.write(tree.stats.count(captured.entry))
    if (captured.changing) tree.stats.omit(WORDS.changing, found.path)
  }
}

async function* withoutContent(entry: FileEntry, tree: Tree, lines: LineChannel): AsyncGenerator<Uint8Array> {
  await lines.write(tree.stats.count(entry))
  yield tarHeader(entry, 0)
}

function detailsOf(
  { path, include, exclude }: FilesSettings,
  { rootEntry: { mode, uid, gid }, stats }: Tree,
): FilesDetails {
  return { path, root: { mode, uid, gid }, ...(include === undefined ? {} : { include }), exclude, ...stats.details() }
}
