import { Failure } from '../../src/core/failure.ts'
import type { Effects } from '../../src/core/ports.ts'

/** `before`: the process dies before the effect. `after`: once it happened. `lost`: it happened, and its answer was lost. */
export type Death = 'before' | 'after' | 'lost'
export const deaths: readonly Death[] = ['before', 'after', 'lost']

/** Thrown out of a dead process. Nothing after it changes the world: every further effect throws it again. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** Records the effects of a run, in order. */
export function recordingEffects(): Effects & { readonly names: readonly string[] } {
  const names: string[] = []
  return {
    names,
    run: (name, act) => {
      names.push(name)
      return act()
    },
  }
}

/**
 * Lets the process die at its n-th effect (from 0). Cleaning up in `finally` reaches no further effect, as after SIGKILL.
 * A lost answer is not a death: the process sees an unreachable failure and goes on as it sees fit.
 */
export function dyingEffects(at: number, death: Death): Effects & { readonly reached: () => string | undefined } {
  let count = 0
  let dead = false
  let reached: string | undefined
  return {
    reached: () => reached,
    async run(name, act) {
      if (dead) throw new Died(`dead before ${name}`)
      const here = count === at
      count += 1
      if (!here) return await act()
      reached = name
      dead = death !== 'lost'
      if (death === 'before') throw new Died(`died before ${name}`)
      await act()
      if (death === 'after') throw new Died(`died after ${name}`)
      throw new Failure('unreachable', `the answer to ${name} was lost`)
    },
  }
}
