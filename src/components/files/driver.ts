import type { Beside, Driver, Kept, Target, TargetRequest } from '../driver.ts'
import { captureFiles } from './capture.ts'
import { checkFiles } from './check.ts'
import { naming } from './failures.ts'
import { statOf } from './folder.ts'
import { examineFiles } from './load.ts'
import { inPlaceTarget, scratchTarget } from './other-targets.ts'
import { besidePlaces, keptPlaces, type KeptPlace } from './places.ts'
import { filesDetails, filesSettings, type FilesDetails, type FilesSettings } from './schema.ts'
import { swapTarget } from './swap-target.ts'

const HOUR = 3_600_000

/** A folder with everything in it. */
export const filesDriver: Driver<FilesSettings, FilesDetails> = {
  kind: 'files',
  settings: filesSettings,
  details: filesDetails,
  check: checkFiles,
  capture: captureFiles,
  examine: examineFiles,
  kept: keptFolders,
  beside: besideFolders,
  open: (settings, request) => Promise.resolve(openFilesTarget(settings, request)),
}

const openers = { swap: swapTarget, 'in-place': inPlaceTarget, scratch: scratchTarget } as const

function openFilesTarget(settings: FilesSettings, request: TargetRequest): Target<FilesDetails> {
  return openers[request.mode](settings, request)
}

async function keptFolders({ path, keepPreviousHours }: FilesSettings): Promise<readonly Kept[]> {
  const places = await naming('list what is beside', path, () => keptPlaces(path))
  const kept = await Promise.all(places.map((place) => keptOf(place, keepPreviousHours)))
  return kept.flat().sort((a, b) => b.since.getTime() - a.since.getTime())
}

/** A load changes it again and again, so its last change says how long nobody has been at it. */
async function besideFolders({ path }: FilesSettings): Promise<readonly Beside[]> {
  const places = await naming('list what is beside', path, () => besidePlaces(path))
  const found = await Promise.all(
    places.map(async ({ restoreId, path }) => ({ restoreId, path, stat: await statOf(path) })),
  )
  return found.flatMap(({ restoreId, path, stat }) =>
    stat === undefined ? [] : [{ restoreId, description: `folder ${path}`, since: new Date(Number(stat.ctimeMs)) }],
  )
}

/** A rename sets the time of change of what is renamed; whatever changes it later only keeps the folder longer. */
async function keptOf({ restoreId, path, wasNothing }: KeptPlace, hours: number): Promise<Kept[]> {
  const stat = await statOf(path)
  if (stat === undefined) return []
  const since = new Date(Number(stat.ctimeMs))
  const description = wasNothing ? 'no folder: nothing was there before' : `folder ${path}`
  return [{ restoreId, description, since, until: new Date(since.getTime() + hours * HOUR), wasNothing }]
}
