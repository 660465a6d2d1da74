import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { dumpFormats } from '../../components/capabilities/dumps.ts'
import { restoreIds } from '../../core/accept-ids.ts'

/** What an export is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const exportOrder = z.object({
  app: z.string(),
  point: z.string(),
  /** The name of the repository to read from. */
  repository: z.string(),
  /** The only one that has dumps where none is named. */
  component: z.string().optional(),
  format: z.enum(dumpFormats),
  /** An absolute path at which nothing is yet. */
  output: z.string().refine((path) => isAbsolute(path), 'is not an absolute path'),
  /** What the operator agreed to go on without, where it cannot be made again. */
  accept: z.array(z.enum(restoreIds)).readonly().optional(),
})
export type ExportOrder = Readonly<z.infer<typeof exportOrder>>
