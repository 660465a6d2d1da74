import type { StagedRestore, Driver, RetainedCopy } from '../driver.ts'
import type { RestoreTarget, TargetRequest } from '../target.ts'
import { placeOfPath } from '../../system/files/where-it-lies.ts'
import { keptUntil } from '../keep-previous.ts'
import { filesDestination } from './destination.ts'
import { naming } from './failures.ts'
import { statOf } from './tree/folder.ts'
import { stagedPlaces, retainedPlaces, type RetainedPlace } from './restore/places.ts'
import { filesDetails, filesSettings, type FilesDetails, type FilesSettings } from './schema.ts'

/** A folder of this host. What reads and writes one is loaded by the first call that needs it. */
export const localFiles = {
  kind: 'files',
  settings: filesSettings,
  details: filesDetails,
  check: async (...request) => (await import('./capture/check.ts')).checkFiles(...request),
  capture: async (...request) => (await import('./capture/capture.ts')).captureFiles(...request),
  examine: async (...request) => (await import('./restore/load.ts')).examineFiles(...request),
  holdsFile: async (settings, file) => (await import('./holds-file.ts')).holdsFile(settings, file),
  place: ({ path }) => placeOfPath(path),
  listRetained: retainedFolders,
  retainedBytes,
  listStaged: stagedFolders,
  open: openFilesTarget,
  destination: filesDestination,
  secrets: {
    captured: async (...request) => (await import('./secret-file.ts')).capturedFile(...request),
    live: async (settings, name) => (await import('./secret-file.ts')).liveFile(settings, name),
  },
} satisfies Driver<FilesSettings, FilesDetails>

async function openFilesTarget(settings: FilesSettings, request: TargetRequest): Promise<RestoreTarget<FilesDetails>> {
  const { swapTarget } = await import('./restore/swap-target.ts')
  const { inPlaceTarget, scratchTarget } = await import('./restore/other-targets.ts')
  if (request.mode === 'scratch') return scratchTarget(settings, request)
  return (request.mode === 'swap' ? swapTarget : inPlaceTarget)(settings, request)
}

async function retainedFolders(settings: FilesSettings): Promise<readonly RetainedCopy[]> {
  const { path } = settings
  const places = await naming('list what is beside', path, () => retainedPlaces(path))
  const kept = await Promise.all(places.map((place) => keptOf(place, settings)))
  return kept.flat().sort((a, b) => b.since.getTime() - a.since.getTime())
}

async function retainedBytes(
  { path }: FilesSettings,
  { restoreId, wasNothing }: RetainedCopy,
): Promise<number | undefined> {
  if (wasNothing === true) return undefined
  const { treeBytes } = await import('./tree/tree-bytes.ts')
  const places = (await retainedPlaces(path)).filter((place) => place.restoreId === restoreId)
  const sizes = await Promise.all(places.map((place) => treeBytes(place.path)))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A load changes it again and again, so its last change says how long nobody has been at it. */
async function stagedFolders({ path }: FilesSettings): Promise<readonly StagedRestore[]> {
  const places = await naming('list what is beside', path, () => stagedPlaces(path))
  const found = await Promise.all(
    places.map(async ({ restoreId, path }) => ({ restoreId, path, stat: await statOf(path) })),
  )
  return found.flatMap(({ restoreId, path, stat }) =>
    stat === undefined ? [] : [{ restoreId, description: `folder ${path}`, since: new Date(Number(stat.ctimeMs)) }],
  )
}

/** A rename sets the time of change of what is renamed; whatever changes it later only keeps the folder longer. */
async function keptOf(
  { restoreId, path, wasNothing }: RetainedPlace,
  settings: FilesSettings,
): Promise<RetainedCopy[]> {
  const stat = await statOf(path)
  if (stat === undefined) return []
  const since = new Date(Number(stat.ctimeMs))
  const description = wasNothing ? 'no folder: nothing was there before' : `folder ${path}`
  return [{ restoreId, description, since, until: keptUntil(since, settings), wasNothing }]
}
