import { z } from 'zod'
import { restoreIds } from '../../core/accept-ids.ts'

/** What a drill is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const drillOrder = z.object({
  /** Names what this drill makes: 8 lower-case hexadecimal digits. */
  drillId: z.string().regex(/^[0-9a-f]{8}$/),
  app: z.string(),
  point: z.string(),
  /** The name of the repository to read from. */
  repository: z.string(),
  /** `scratch`: a private throw-away server and folder. `staged`: a side database on the configured server. */
  where: z.enum(['scratch', 'staged']),
  /** What the operator agreed to restore without, where it cannot be made again. */
  accept: z.array(z.enum(restoreIds)).readonly().optional(),
})
export type DrillOrder = Readonly<z.infer<typeof drillOrder>>
