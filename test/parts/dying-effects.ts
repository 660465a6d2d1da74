import type { Effects } from '../../src/core/ports.ts'

/** Thrown where a process would have died. */
export class Death extends Error {}

/** When a run dies: before its n-th effect, or right behind it, before it is told that it happened. */
export interface DeathAt {
  readonly effect: number
  readonly when: 'before' | 'behind'
}

/** Effects that are listed by name and of which one is the last. Whoever is dead changes nothing any more. */
export class DyingEffects implements Effects {
  readonly names: string[] = []
  readonly #death: DeathAt | undefined
  #dead = false

  constructor(death?: DeathAt) {
    this.#death = death
  }

  async run<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    if (this.#dead) throw new Death(`dead at ${name}`)
    const last = this.names.push(name) - 1 === this.#death?.effect
    if (last && this.#death?.when === 'before') throw this.#die(name)
    const result = await act()
    if (last) throw this.#die(name)
    return result
  }

  #die(name: string): Death {
    this.#dead = true
    return new Death(name)
  }
}
