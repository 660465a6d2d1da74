import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Effects } from '../../src/core/ports.ts'
import { deaths, dyingEffects, recordingEffects, type Death, type EffectAt } from '../parts/dying-effects.ts'

/** How a run ended, as far as it could tell anybody. */
export type Ended<Result> = { readonly result: Result } | { readonly error: unknown }

/** A run in which one effect went wrong. */
export interface Crash<Result> {
  readonly effect: string
  readonly death: Death
  /** What a dead process would have returned or thrown reached nobody. */
  readonly ended: Ended<Result> | 'dead'
}

export interface Matrix<World, Result> {
  /** A world in which nothing of the run has happened. */
  fresh(): Promise<World>
  run(world: World, effects: Effects): Promise<Result>
  /** Does what the documentation says to do next, and asserts what must hold before and after. */
  recover(world: World, crash: Crash<Result>): Promise<void>
  close?(world: World): Promise<void>
  /** All, unless a run is dear: where one effect follows the other, after one is before the next. */
  deathsAt?(effect: string): readonly Death[]
  /** Those at which it dies; all, unless a run is dear. */
  choose?(seen: readonly EffectAt[]): readonly EffectAt[]
  /**
   * Of `npm test`, for a run that is dear: before and after every second effect, with a lost answer at the others. What is
   * after one effect is before the next, so each world that a death leaves is recovered once. A sibling that begins with
   * the other effect has the other half. With HOLDFAST_SOAK=1 all deaths are tried at all effects.
   */
  readonly halvedFrom?: 0 | 1
}

const SOAK = process.env['HOLDFAST_SOAK'] === '1'

/**
 * Lists the effects of a run from a run, then lets one run go wrong at each of them in each way. Fails when a run had no effects, or
 * when an effect of the list was not reached: what was not interrupted was not tested.
 */
export async function crashEverywhere<World, Result>(t: TestContext, matrix: Matrix<World, Result>): Promise<void> {
  const recording = recordingEffects()
  await inFresh(matrix, async (world) => void (await matrix.run(world, recording)))
  assert.ok(recording.seen.length > 0, 'the run has no effects')
  for (const [index, at] of (matrix.choose?.(recording.seen) ?? recording.seen).entries()) {
    for (const death of deathsOf(matrix, at.name, index)) {
      const effects = dyingEffects(at, death)
      const effect = `${at.name} (${at.occurrence})`
      await inFresh(matrix, async (world) => {
        const ended = await settled(matrix.run(world, effects))
        assert.ok(effects.reached(), `${effect} was never reached`)
        await naming(`${death} ${effect}`, () =>
          matrix.recover(world, { effect: at.name, death, ended: death === 'lost' ? ended : 'dead' }),
        )
      })
    }
  }
  const names = new Set(recording.seen.map(({ name }) => name))
  t.diagnostic(`${recording.seen.length} effects, ${howOften(matrix)}: ${[...names].join(', ')}`)
}

function deathsOf<World, Result>(matrix: Matrix<World, Result>, effect: string, index: number): readonly Death[] {
  const all = matrix.deathsAt?.(effect) ?? deaths
  if (SOAK || matrix.halvedFrom === undefined) return all
  const dies = (index - matrix.halvedFrom) % 2 === 0
  return all.filter((death) => (death !== 'lost') === dies)
}

function howOften<World, Result>(matrix: Matrix<World, Result>): string {
  if (!SOAK && matrix.halvedFrom !== undefined) return 'half of the ways to die at each'
  return matrix.deathsAt === undefined && matrix.choose === undefined
    ? 'each died before, after and with its answer lost'
    : 'at each of which one died'
}

async function inFresh<World, Result>(
  matrix: Matrix<World, Result>,
  act: (world: World) => Promise<void>,
): Promise<void> {
  const world = await matrix.fresh()
  try {
    await act(world)
  } finally {
    await matrix.close?.(world)
  }
}

export async function settled<Result>(promise: Promise<Result>): Promise<Ended<Result>> {
  try {
    return { result: await promise }
  } catch (error) {
    return { error }
  }
}

async function naming(where: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (cause) {
    throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
