import { z } from 'zod'
import { pathsOverlap } from '../../system/files/paths-overlap.ts'
import type { RestoreDestination } from '../capabilities/destination.ts'
import { secretsSettings, type SecretsSettings } from './schema.ts'

/** A folder of this host that gets every secret as a file. */
export const secretsDestination: RestoreDestination<SecretsSettings> = {
  settings: z.strictObject({ restoreFolder: secretsSettings.shape.restoreFolder }).partial(),
  paths,
  relation: async (one, other) => {
    if (one.restoreFolder !== undefined && one.restoreFolder === other.restoreFolder) return 'same'
    for (const path of goesTo(one))
      for (const otherPath of paths(other)) if (await pathsOverlap(path, otherPath)) return 'overlapping'
    return 'apart'
  },
}

/** Where a restore writes. */
function goesTo(settings: SecretsSettings): readonly string[] {
  return settings.restoreFolder === undefined ? paths(settings) : [settings.restoreFolder]
}

/** All that the settings name: what is captured, and where a restore writes. */
function paths({ secrets, folder, restoreFolder }: SecretsSettings): readonly string[] {
  const files = Object.values(secrets).map(({ file }) => file)
  return [...files, folder, restoreFolder].filter((path) => path !== undefined)
}
