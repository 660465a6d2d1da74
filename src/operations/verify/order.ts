import { z } from 'zod'

/** What a verify is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const verifyOrder = z.object({
  verifyId: z.string(),
  app: z.string(),
  point: z.string(),
  /** The name of the repository to read from. */
  repository: z.string(),
  /** The share of artifacts to read, above 0 and up to 1. */
  sample: z.number().gt(0).max(1),
})
export type VerifyOrder = Readonly<z.infer<typeof verifyOrder>>
