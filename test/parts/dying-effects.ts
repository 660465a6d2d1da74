import { Failure } from '../../src/core/failure.ts'
import type { Effects } from '../../src/core/ports.ts'

/** `before`: the process dies before the effect. `after`: once it happened. `lost`: it happened, and its answer was lost. */
export type Death = 'before' | 'after' | 'lost'
export const deaths: readonly Death[] = ['before', 'after', 'lost']

/** One effect of a run. By its name and not by its place, because what runs side by side has no fixed order. */
export interface EffectAt {
  readonly name: string
  /** From 1: the same effect may happen several times. */
  readonly occurrence: number
}

/** Thrown out of a dead process. Nothing after it changes the world: every further effect throws it again. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** Records the effects of a run, in order. */
export function recordingEffects(): Effects & { readonly seen: readonly EffectAt[] } {
  const seen: EffectAt[] = []
  const next = counting()
  return {
    seen,
    run: (name, act) => {
      seen.push(next(name))
      return act()
    },
  }
}

/**
 * Lets the process die at one effect. Cleaning up in `finally` reaches no further effect, as after SIGKILL.
 * A lost answer is not a death: the process sees an unreachable failure and goes on as it sees fit.
 */
export function dyingEffects(at: EffectAt, death: Death): Effects & { readonly reached: () => boolean } {
  const next = counting()
  let dead = false
  let reached = false
  return {
    reached: () => reached,
    async run(name, act) {
      if (dead) throw new Died(`dead before ${name}`)
      if (name !== at.name || next(name).occurrence !== at.occurrence) return await act()
      reached = true
      dead = death !== 'lost'
      if (death === 'before') throw new Died(`died before ${name}`)
      await act()
      if (death === 'after') throw new Died(`died after ${name}`)
      throw new Failure('unreachable', `the answer to ${name} was lost`)
    },
  }
}

/** Aborts its signal at one effect, which then happens. */
export function abortingEffects(
  at: EffectAt,
): Effects & { readonly signal: AbortSignal; readonly reached: () => boolean } {
  const next = counting()
  const abort = new AbortController()
  return {
    signal: abort.signal,
    reached: () => abort.signal.aborted,
    run: (name, act) => {
      if (name === at.name && next(name).occurrence === at.occurrence) abort.abort()
      return act()
    },
  }
}

/** Those of a process that is dead already: of whoever cleans up in it. */
export const deadEffects: Effects = { run: (name) => Promise.reject(new Died(`dead before ${name}`)) }

function counting(): (name: string) => EffectAt {
  const counts = new Map<string, number>()
  return (name) => {
    const occurrence = (counts.get(name) ?? 0) + 1
    counts.set(name, occurrence)
    return { name, occurrence }
  }
}
