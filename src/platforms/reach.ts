import { z } from 'zod'
import { routeKinds } from './routes/route.ts'

/** What every `reach` may say beside which container it means. */
export const reachBase = {
  port: z.number().int().min(1).max(65_535).optional().meta({
    description: 'The port that the server listens on inside. Default: that of its kind, 5432 or 8200.',
  }),
  socket: z.string().regex(/^\//, 'expected an absolute path').optional().meta({
    description: 'The unix socket of the server inside, to be used instead of its port. Only an exec-relay gets there.',
  }),
  route: z
    .enum(['auto', ...routeKinds])
    .default('auto')
    .meta({
      description: 'How to get there. auto: the first that works of direct, port-forward and exec-relay.',
    }),
} as const

/** What every kind of `reach` has. */
export type ReachBase = z.infer<z.ZodObject<typeof reachBase>> & HoldsFiles

/** Says of a reach that no server is meant, but a folder or a program that hooks run there: such a container may be stopped. */
export interface HoldsFiles {
  readonly holds?: 'files' | 'programs' | undefined
  /** That the folder is read by a container of our own, which has its volumes. */
  readonly byHelper?: boolean | undefined
}

/** What the reach of a folder has in place of port, socket and route. */
export const ofFiles = { route: 'auto', holds: 'files' } as const

/** And that of a hook. */
export const ofHook = { route: 'exec-relay', holds: 'programs' } as const
