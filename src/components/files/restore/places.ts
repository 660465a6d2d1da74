import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { isFailure } from '../../../core/failure.ts'
import { namesIn, parentFolder, withFolder } from '../tree/folder.ts'
import { rawOfText } from '../tree/names.ts'
import type { TargetRequest } from '../../target.ts'

/** Where one restore of a folder keeps its things. All but the live folder carry the restore's id. */
export interface FolderPaths {
  /** The folder of the app. */
  readonly live: string
  /** Private to Holdfast while a restore is loaded; holds `loaded` and `list`. */
  readonly work: string
  /** What was restored, before the swap. */
  readonly loaded: string
  /** The list of entries, to compare with. */
  readonly list: string
  /** What was live before the swap. */
  readonly previous: string
  /** Stands for `previous` when nothing was live before the swap. */
  readonly nothing: string
  /** What an undo took out of the way. */
  readonly undone: string
}

const PREVIOUS = '.holdfast-prev-'
const NOTHING = '.holdfast-none-'
const UNDONE = '.holdfast-undone-'
const BESIDE = '.holdfast-r-'

/**
 * Beside the live folder for a swap, so that each can be renamed to the other; inside it when it is restored in place, as
 * a mounted folder has no other place on its own file system; and in the scratch folder for a throw-away restore.
 */
export function placesOf(live: string, request: TargetRequest): FolderPaths {
  const { restoreId } = request
  const work = workOf(live, request)
  return {
    live,
    work,
    loaded: join(work, 'loaded'),
    list: join(work, 'entries.jsonl'),
    previous: `${live}${PREVIOUS}${restoreId}`,
    nothing: `${live}${NOTHING}${restoreId}`,
    undone: `${live}${UNDONE}${restoreId}`,
  }
}

function workOf(live: string, request: TargetRequest): string {
  const { mode, restoreId } = request
  if (mode === 'scratch') return join(request.scratchFolder, `files-${shortHash(live)}-${restoreId}`)
  return mode === 'swap' ? `${live}${BESIDE}${restoreId}` : join(live, `${BESIDE}${restoreId}`)
}

/** Two components with folders of the same name may use one scratch folder. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

export interface RetainedPlace {
  readonly restoreId: string
  readonly path: string
  readonly wasNothing: boolean
}

/** What swaps of this folder left beside it for undo, and what undos set aside. */
export async function retainedPlaces(live: string): Promise<readonly RetainedPlace[]> {
  const names = await siblingsOf(live)
  return [PREVIOUS, NOTHING, UNDONE].flatMap((infix) => {
    const start = `${rawOfText(basename(live))}${infix}`
    const ids = names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length))
    return ids
      .filter((id) => /^[0-9a-f]{8}$/.test(id))
      .map((restoreId) => ({ restoreId, path: `${live}${infix}${restoreId}`, wasNothing: infix === NOTHING }))
  })
}

/** What restores and drills of this folder loaded beside it: the ids. */
export async function stagedPlaces(live: string): Promise<readonly { restoreId: string; path: string }[]> {
  const start = `${rawOfText(basename(live))}${BESIDE}`
  const ids = (await siblingsOf(live)).filter((name) => name.startsWith(start)).map((name) => name.slice(start.length))
  return ids
    .filter((id) => /^[0-9a-f]{8}$/.test(id))
    .map((restoreId) => ({ restoreId, path: `${live}${BESIDE}${restoreId}` }))
}

async function siblingsOf(live: string): Promise<readonly string[]> {
  try {
    return await withFolder(parentFolder(live), namesIn)
  } catch (error) {
    if (isFailure(error, 'notFound')) return []
    throw error
  }
}
