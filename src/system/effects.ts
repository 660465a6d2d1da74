import type { Effects } from '../core/ports.ts'

/** Effects as they happen in production. */
export const directEffects: Effects = { run: (_name, act) => act() }
