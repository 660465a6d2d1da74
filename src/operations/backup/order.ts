import { z } from 'zod'
import { fixedPlatform } from '../fixed-platform.ts'

const missing = z.object({ name: z.string(), kind: z.string(), reason: z.string() })

/** What a backup is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const backupOrder = z.object({
  app: z.string(),
  ...fixedPlatform,
  /** The id that the point gets. Running an order again makes no second point. */
  point: z.string(),
  /** An operator says that a server that went back is what it should be. */
  acceptWentBack: z.boolean().optional(),
  /** The operator accepted that the app is stopped outside its maintenance windows. */
  outsideWindow: z.boolean().optional(),
  /** Names of repositories whose points nobody could open: a backup to them is incomplete. */
  unopenable: z.array(z.string()).readonly().optional(),
  /** Said of the point in its commit. */
  remarks: z.array(z.string()).readonly().optional(),
  /** What somebody says of the point, for everybody to read. */
  note: z.string().optional(),
  /** What files and secrets came to before it, where it is made because they changed. */
  changed: z.record(z.string(), z.string()).optional(),
  /** No prune removes the point until it is released. */
  held: z.boolean().optional(),
  /** Components that the point cannot have, and why. */
  missing: z.array(missing).readonly().optional(),
  /**
   * One component that fails fails all: the point is of one thing, which cannot be captured again in parts. Of a safety
   * point components may be lacking of which nothing is there.
   */
  indivisible: z.union([z.boolean(), z.literal('unless nothing is there')]).optional(),
})
export type BackupOrder = Readonly<z.infer<typeof backupOrder>>
