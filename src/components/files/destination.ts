import { z } from 'zod'
import { pathsOverlap } from '../../system/files/paths-overlap.ts'
import type { PlaceRelation, RestoreDestination } from '../capabilities/destination.ts'
import { filesSettings, type FilesSettings } from './schema.ts'
import type { Context } from '../../core/ports.ts'

/** Another folder of this host. */
export const filesDestination: RestoreDestination<FilesSettings> = {
  settings: z.strictObject({ path: filesSettings.shape.path }).partial(),
  without: (given) => (given.includes('path') ? ['reach', 'via', 'helperImage', 'through'] : []),
  paths: ({ path, through }) => (through === undefined ? [path] : []),
  relation,
}

async function relation(one: FilesSettings, other: FilesSettings, context: Context): Promise<PlaceRelation> {
  if (one.path === other.path && one.through?.name === other.through?.name) return 'same'
  const [a, b] = [await onHost(one, context), await onHost(other, context)]
  if (a === undefined || b === undefined) return 'apart'
  return (await pathsOverlap(a, b)) ? 'overlapping' : 'apart'
}

/** Where it would be if the platform were this host: refusing too much is no loss. */
async function onHost({ path, through }: FilesSettings, context: Context): Promise<string | undefined> {
  if (through === undefined) return path
  const said = await through.hostFolder?.(path, context)
  return said !== undefined && 'path' in said ? said.path : undefined
}
