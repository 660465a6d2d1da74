import { mkdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { renameDurably } from '../../../system/files/durable-file.ts'
import { syncFolder } from '../../../system/files/sync-folder.ts'
import type { LiveTargetRequest, RestoreTarget, TargetState } from '../../target.ts'
import { compareTree } from './compare.ts'
import { assertRunning, naming } from '../failures.ts'
import { statOf, withFolder } from '../tree/folder.ts'
import { storedEntries } from '../capture/listing.ts'
import { loadFiles, makePrivate, rightsHere } from './load.ts'
import { makeParents } from '../tree/parents.ts'
import { placesOf, type FolderPaths } from './places.ts'
import { preflightSwap } from './preflight.ts'
import { removeTree } from '../tree/remove-tree.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'

/**
 * Restores beside the live folder and then renames twice: the live folder out of the way, the restored one into its
 * place. The two renames are not one: a process that dies between them leaves no live folder for a moment, and `swap`
 * goes forward or `reopen` goes back from there. Nothing else ever touches the live or the previous folder.
 */
export function swapTarget(settings: FilesSettings, request: LiveTargetRequest): RestoreTarget<FilesDetails> {
  const places = placesOf(settings.path, request)
  return {
    description: `folder ${settings.path}`,
    confirmation: settings.path,
    state: () => stateOf(places),
    preflight: (details) => preflightSwap(settings, details),
    async load(details, source, context) {
      await assertNotSwapped(places)
      await loadFiles(
        { places, root: places.loaded, prepare: () => prepareBeside(places), staged: false },
        details,
        source,
        context,
      )
    },
    compare: (details, context) =>
      withFolder(places.loaded, async (root) =>
        compareTree(
          root,
          storedEntries(places.list, details),
          { rights: await rightsHere(), extras: 'differ' },
          context,
        ),
      ),
    runChecks: () => Promise.resolve([]),
    // A folder has no lock that writers respect: the app is stopped before, by whoever started it.
    fence: () => Promise.resolve(),
    swap: (_details, context) => swap(places, context),
    reopen: (context) => bringBack(places, context),
    async discard(context) {
      await bringBack(places, context)
      await context.effects.run('files: remove the folder beside', () => removeTree(places.work))
    },
    undo: (context) => undo(places, context),
    forget: (context) => forget(places, context),
  }
}

async function exists(path: string): Promise<boolean> {
  return (await naming('look at', path, () => statOf(path))) !== undefined
}

async function isKept({ previous, nothing }: FolderPaths): Promise<boolean> {
  return (await exists(previous)) || (await exists(nothing))
}

/** `fenced` is the moment between the two renames: there is no live folder, so no writer either. */
async function stateOf(places: FolderPaths): Promise<TargetState> {
  if (await isKept(places)) return (await exists(places.loaded)) ? 'fenced' : 'swapped'
  return (await exists(places.work)) ? 'staged' : 'untouched'
}

async function assertNotSwapped(places: FolderPaths): Promise<void> {
  const state = await stateOf(places)
  if (state === 'staged' || state === 'untouched') return
  throw new Failure('refused', `the restore of folder ${places.live} is ${state} and cannot be loaded again`, {
    hint: 'Undo it, or start a new restore.',
  })
}

async function prepareBeside({ work, loaded, live }: FolderPaths): Promise<void> {
  await makeParents(live)
  await makePrivate(work)
  await makePrivate(loaded)
  await naming('sync', dirname(live), () => syncFolder(dirname(live)))
}

async function swap(places: FolderPaths, context: Context): Promise<void> {
  // Not between the renames: there would be no live folder.
  assertRunning(context.signal)
  const { live, loaded, previous, nothing, list, work } = places
  if (!(await exists(loaded))) {
    if (!(await isKept(places)))
      throw new Failure('refused', `nothing was restored beside folder ${live}`, { hint: 'Restore again.' })
  } else if (!(await exists(list))) {
    throw new Failure('refused', `the folder beside ${live} is only partly restored`, {
      hint: 'Restore again; it starts over.',
    })
  } else {
    if (!(await isKept(places))) await setAside(places, context)
    // From here until the next rename there is no live folder. What dies here is found as `fenced`.
    await moveFolder('files: rename the restored folder to live', loaded, live, context)
  }
  // The list has done its work. What is retained for undo has names of its own.
  await context.effects.run('files: remove the empty folder beside', () => removeTree(work))

  async function setAside({ live }: FolderPaths, context: Context): Promise<void> {
    if (await exists(live)) await moveFolder('files: rename the live folder to previous', live, previous, context)
    else await context.effects.run('files: note that nothing was live', () => mkdir(nothing, { mode: 0o700 }))
  }
}

/** Renames and makes it durable, in both folders. */
async function moveFolder(name: string, from: string, to: string, context: Context): Promise<void> {
  await context.effects.run(name, () => naming(`rename to ${to} what is at`, from, () => renameDurably(from, to)))
}

/** Makes the old folder live again if a swap stopped between its two renames; otherwise does nothing. */
async function bringBack(places: FolderPaths, context: Context): Promise<void> {
  if ((await stateOf(places)) === 'fenced') await previousToLive(places, context)
}

async function previousToLive({ live, previous, nothing }: FolderPaths, context: Context): Promise<void> {
  if (await exists(previous)) await moveFolder('files: rename the previous folder to live', previous, live, context)
  else
    await context.effects.run('files: forget that nothing was live', () =>
      naming('remove', nothing, () => rmdir(nothing)),
    )
}

async function undo(places: FolderPaths, context: Context): Promise<void> {
  const { live, undone } = places
  const state = await stateOf(places)
  if (state === 'fenced') return await bringBack(places, context)
  if (state !== 'swapped') return await assertUndone(places)
  // An undo that died after this rename finds `undone` there and goes on with the next.
  if (!(await exists(undone)) && (await exists(live)))
    await moveFolder('files: rename the live folder to undone', live, undone, context)
  await previousToLive(places, context)
  await context.effects.run('files: remove the empty folder beside', () => removeTree(places.work))
}

async function assertUndone({ live, undone }: FolderPaths): Promise<void> {
  if (await exists(undone)) return
  throw new Failure('refused', `nothing is retained to undo the restore of folder ${live}`, {
    hint: 'What a swap replaced may have been removed after its time. Restore an older restore point instead.',
  })
}

/** Moved out of sight first: a folder that is half removed must not look like one that can be undone. */
async function forget(places: FolderPaths, context: Context): Promise<void> {
  const { live, work, previous, nothing, undone } = places
  const state = await stateOf(places)
  if (state === 'fenced' || (state === 'swapped' && !(await exists(live)))) {
    throw new Failure('refused', `folder ${live} is not live, and what would be forgotten is the only copy of it`, {
      hint: 'Finish the restore or take it back first.',
    })
  }
  for (const [index, path] of [previous, nothing, undone].entries()) {
    if (await exists(path))
      await moveFolder('files: move what was kept out of sight', path, await roomIn(work, index), context)
  }
  await context.effects.run('files: remove what was kept', () => removeTree(work))
}

async function roomIn(work: string, index: number): Promise<string> {
  if (!(await exists(work))) await makePrivate(work)
  return join(work, `forgotten-${index}`)
}
