import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { filesReachSettings } from '../../platforms/settings.ts'
import type { Through } from '../../platforms/through.ts'
import { keepPreviousHours } from '../keep-previous.ts'

const patterns = z.array(z.string().min(1))

export const filesSettings = z
  .strictObject({
    kind: z.literal('files'),
    path: z
      .string()
      .refine(isPlainAbsolute, 'must be the absolute path of a folder, without a slash at the end and without . or ..')
      .meta({
        description: 'The folder that is captured, and that a restore brings back. With reach: its path inside.',
      }),
    reach: filesReachSettings.optional(),
    via: z.enum(['auto', 'mounted', 'tar', 'helper']).optional().meta({
      description:
        'With reach: how the folder is read. mounted: at its place on this host. tar: by the tar of the container. auto: the first of the two that works. helper: by the tar of a throw-away container that has the same volumes. Neither tar nor helper can restore.',
    }),
    helperImage: z
      .string()
      .min(1)
      .max(500)
      .regex(/^[\w.:/@-]+$/, 'expected the name of an image')
      .optional()
      .meta({
        description: 'With via: helper: its image, which has sh and tar. Default: the image of the container.',
      }),
    include: patterns.optional().meta({
      description:
        'Only what matches one of these patterns, and what is in a folder that matches. Default: everything.',
    }),
    exclude: patterns.default([]).meta({
      description:
        'Nothing that matches one of these patterns, and nothing in a folder that matches. A pattern without a slash matches names at any depth.',
    }),
    crossFilesystems: z
      .boolean()
      .default(false)
      .meta({ description: 'Also capture what is mounted inside the folder.' }),
    keepPreviousHours: keepPreviousHours('How long the folder that was swapped out is retained for undo.'),
  })
  .refine(({ via, helperImage }) => via === 'helper' || helperImage === undefined, 'helperImage is for via: helper')
export interface FilesSettings extends z.infer<typeof filesSettings> {
  /** What `reach` says, wired. */
  readonly through?: Through | undefined
}
/** A folder inside a container. */
export type InsideSettings = FilesSettings & { readonly through: Through }

const count = z.number().int().nonnegative()
const accountName = z.object({ id: count, name: z.string() })

/** What the manifest says of a captured folder. The entries themselves are in the artifact `entries`. */
export const filesDetails = z.object({
  path: z.string(),
  /** Of a folder inside a container: how it was read. */
  via: z.enum(['mounted', 'tar', 'helper']).optional(),
  root: z.object({ mode: count, uid: count, gid: count }),
  include: patterns.optional(),
  exclude: patterns,
  entries: count,
  files: count,
  /** Sum of the sizes of all files. */
  bytes: count,
  largestFile: count,
  /** Of the artifact `entries`, so that a copy of it beside the restored files can be trusted. */
  entriesSha256: z.string().regex(/^[0-9a-f]{64}$/),
  users: z.array(accountName),
  groups: z.array(accountName),
  escapingLinks: z.object({ count, examples: z.array(z.string()) }),
})
export type FilesDetails = z.infer<typeof filesDetails>

function isPlainAbsolute(path: string): boolean {
  return isAbsolute(path) && path !== '/' && !path.endsWith('/') && !path.includes('\0') && normalize(path) === path
}
