import { z } from 'zod'
import { restoreIds } from '../../core/accept-ids.ts'
import { fixedPlatform } from '../fixed-platform.ts'
import { intoSchema } from './into/into.ts'

/**
 * Where a restore goes. `swap`: staged beside the live data and renamed in; `stage`: staged and left there; `in-place`: written
 * over the live data; `scratch`: a throw-away place that is left running.
 */
const destinations = ['swap', 'in-place', 'stage', 'scratch'] as const
export type Destination = (typeof destinations)[number]

/** What a restore is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const restoreOrder = z.object({
  /** Names what this restore makes: 8 lower-case hexadecimal digits. */
  restoreId: z.string().regex(/^[0-9a-f]{8}$/),
  app: z.string(),
  ...fixedPlatform,
  point: z.string(),
  /** The name of the repository to read from. */
  repository: z.string(),
  mode: z.enum(destinations),
  /** The components that were asked for by name; all of the point where none was. */
  chosen: z.array(z.string()).readonly().optional(),
  /** The place, where it is not the app's own. */
  into: intoSchema.optional(),
  safetyPoint: z.boolean(),
  /** Key fits that the operator said to go on without. */
  acceptedMisfits: z.array(z.string()).readonly().optional(),
  /** What the operator agreed to restore without, where it cannot be made again. */
  accept: z.array(z.enum(restoreIds)).readonly().optional(),
  /** The operator accepted that the app is stopped outside its maintenance windows. */
  outsideWindow: z.boolean().optional(),
  /** Scratch only: applications on this machine may connect to the copy. */
  listen: z.boolean().optional(),
})
export type RestoreOrder = Readonly<z.infer<typeof restoreOrder>>
