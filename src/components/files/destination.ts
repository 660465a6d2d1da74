import { z } from 'zod'
import { pathsOverlap } from '../../system/files/paths-overlap.ts'
import type { RestoreDestination } from '../capabilities/destination.ts'
import { filesSettings, type FilesSettings } from './schema.ts'

/** Another folder of this host. */
export const filesDestination: RestoreDestination<FilesSettings> = {
  settings: z.strictObject({ path: filesSettings.shape.path }).partial(),
  paths: ({ path }) => [path],
  relation: async (one, other) => {
    if (one.path === other.path) return 'same'
    return (await pathsOverlap(one.path, other.path)) ? 'overlapping' : 'apart'
  },
}
