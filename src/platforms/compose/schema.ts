import { z } from 'zod'
import { reachBase } from '../reach.ts'

export const composeReach = z.strictObject({ kind: z.literal('compose'), ...reachBase, service: z.string().min(1) })
