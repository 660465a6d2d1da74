import type { Driver } from '../driver.ts'
import { localFiles } from './local-driver.ts'
import { filesDestination } from './destination.ts'
import { filesDetails, filesSettings, type FilesDetails, type FilesSettings, type InsideSettings } from './schema.ts'

/** A folder with everything in it: of this host, or inside a container. */
export const filesDriver: Driver<FilesSettings, FilesDetails> = {
  kind: 'files',
  settings: filesSettings,
  details: filesDetails,
  check: async (settings, context) =>
    isInside(settings) ? (await inside()).checkInside(settings, context) : localFiles.check(settings, context),
  capture: async (settings, sink, context) =>
    isInside(settings)
      ? (await inside()).captureInside(settings, sink, context)
      : localFiles.capture(settings, sink, context),
  examine: localFiles.examine,
  holdsFile: async (settings, file) => !isInside(settings) && (await localFiles.holdsFile(settings, file)),
  place: async (settings, context) =>
    isInside(settings) ? (await inside()).placeInside(settings, context) : localFiles.place(settings),
  listRetained: async (settings, context) => {
    const local = await onThisHost(settings, context)
    return local === undefined ? [] : localFiles.listRetained(local)
  },
  retainedBytes: async (settings, copy, context) => {
    const local = await onThisHost(settings, context)
    return local === undefined ? undefined : localFiles.retainedBytes(local, copy)
  },
  listStaged: async (settings, context) => {
    const local = await onThisHost(settings, context)
    return local === undefined ? [] : localFiles.listStaged(local)
  },
  open: async (settings, request, context) =>
    isInside(settings) ? (await inside()).openInside(settings, request, context) : localFiles.open(settings, request),
  isWatchable: true,
  destination: filesDestination,
  secrets: {
    captured: localFiles.secrets.captured,
    live: async (settings, name, context) =>
      isInside(settings)
        ? (await inside()).liveFileInside(settings, name, context)
        : localFiles.secrets.live(settings, name),
  },
}

function isInside(settings: FilesSettings): settings is InsideSettings {
  return settings.through !== undefined
}

/** The settings of the folder of this host, where it is one. */
async function onThisHost(settings: FilesSettings, context: Parameters<typeof localFiles.check>[1]) {
  return isInside(settings) ? await (await import('./inside/way.ts')).mountedHere(settings, context) : settings
}

function inside() {
  return import('./inside/inside-driver.ts')
}
