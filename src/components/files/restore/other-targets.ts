import { mkdir, utimes } from 'node:fs/promises'
import type { Context } from '../../../core/ports.ts'
import type { LiveTargetRequest, ScratchTargetRequest, RestoreTarget } from '../../target.ts'
import { withoutSwap } from '../../without-swap.ts'
import { compareTree } from './compare.ts'
import { statOf, withFolder } from '../tree/folder.ts'
import { storedEntries } from '../capture/listing.ts'
import { loadFiles, makePrivate, rightsHere } from './load.ts'
import { makeParents } from '../tree/parents.ts'
import { placesOf, type FolderPaths } from './places.ts'
import { preflightInPlace, preflightScratch } from './preflight.ts'
import { removeTree } from '../tree/remove-tree.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'
import { timeText } from '../tree/write-file.ts'

/** Restores into a throw-away folder. */
export function scratchTarget(settings: FilesSettings, request: ScratchTargetRequest): RestoreTarget<FilesDetails> {
  // Folders in two containers may have one path.
  const { path, through } = settings
  const places = placesOf(through === undefined ? path : `${through.name}:${path}`, request)
  return {
    ...withoutSwap(`a scratch copy of folder ${settings.path}`, settings.path),
    state: () => workState(places),
    preflight: (details) => preflightScratch(request.scratchFolder, details),
    load: (details, source, context) =>
      loadFiles(
        { places, root: places.loaded, prepare: () => prepareScratch(places), staged: false },
        details,
        source,
        context,
      ),
    compare: (details, context) => compareWith(places.loaded, places, details, 'differ', context),
    discard: (context) => context.effects.run('files: remove the scratch folder', () => removeTree(places.work)),
    copy: { leave: () => Promise.resolve({ folder: places.loaded }) },
  }
}

/**
 * Writes over the live folder, each file whole or not at all, for folders that cannot be renamed. What is there and was
 * not captured stays. Nothing is retained for undo.
 */
export function inPlaceTarget(settings: FilesSettings, request: LiveTargetRequest): RestoreTarget<FilesDetails> {
  const places = placesOf(settings.path, request)
  const cleanUp = (context: Context): Promise<void> =>
    context.effects.run('files: remove our folder inside', () => removeQuietly(places))
  return {
    ...withoutSwap(`folder ${settings.path}, in place`, settings.path),
    state: () => workState(places),
    preflight: (details) => preflightInPlace(settings, details),
    load: (details, source, context) =>
      loadFiles(
        { places, root: places.live, prepare: () => prepareInside(places), staged: true },
        details,
        source,
        context,
      ),
    compare: (details, context) => compareWith(places.live, places, details, 'stay', context),
    reopen: cleanUp,
    discard: cleanUp,
    forget: cleanUp,
  }
}

async function workState({ work }: FolderPaths): Promise<'staged' | 'untouched'> {
  return (await statOf(work)) === undefined ? 'untouched' : 'staged'
}

async function prepareScratch({ work, loaded }: FolderPaths): Promise<void> {
  await makePrivate(work)
  await makePrivate(loaded)
}

async function prepareInside({ live, work }: FolderPaths): Promise<void> {
  await makeParents(live)
  if ((await statOf(live)) === undefined) await mkdir(live, { mode: 0o700 })
  await makePrivate(work)
}

/** The time of the live folder stays what it was. */
async function removeQuietly({ live, work }: FolderPaths): Promise<void> {
  const before = await statOf(live)
  if (before === undefined || (await statOf(work)) === undefined) return
  await removeTree(work)
  await utimes(live, timeText(before.atimeNs), timeText(before.mtimeNs))
}

function compareWith(
  root: string,
  places: FolderPaths,
  details: FilesDetails,
  extras: 'differ' | 'stay',
  context: Context,
): ReturnType<RestoreTarget<FilesDetails>['compare']> {
  return withFolder(root, async (folder) =>
    compareTree(folder, storedEntries(places.list, details), { rights: await rightsHere(), extras }, context),
  )
}
