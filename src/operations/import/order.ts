import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { dumpFormats } from '../../components/capabilities/dumps.ts'

const absolute = z.string().refine((path) => isAbsolute(path), 'is not an absolute path')

/** How dumps are imported. */
const importChoices = z.object({
  app: z.string(),
  component: z.string().optional(),
  database: z.string().optional(),
  /** Who made the dump is trusted with this machine. */
  trusted: z.boolean(),
  withoutRows: z.boolean().optional(),
  withPasswords: z.boolean(),
})

/** What an import is to do: all that a later process needs, and nothing else. It can be stored as JSON. */
export const importOrder = importChoices.extend({
  /** The id that the point gets. */
  point: z.string(),
  format: z.enum(dumpFormats),
  path: absolute,
})
export type ImportOrder = Readonly<z.infer<typeof importOrder>>

/** The same for all dumps in a folder or with a path prefix. */
export const importDumpsOrder = importChoices.extend({ where: absolute })
export type ImportDumpsOrder = Readonly<z.infer<typeof importDumpsOrder>>
