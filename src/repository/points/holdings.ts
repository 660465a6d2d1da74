import { describe } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Chain } from '../catalog/catalog.ts'
import { entriesOf } from './entries.ts'
import type { Seen, SeenIdentity } from '../memory.ts'
import { IDENTITIES, parseIdentityName, parseProofName } from '../names.ts'
import type { RepositoryState } from '../catalog/state.ts'

/** What a repository holds beside its points, as it is now. */
export interface Holdings {
  readonly chain: Chain
  /** The names of all proofs of kind `hold`. */
  readonly holds: readonly string[]
  /** The highest generation of keys, by point. */
  readonly generations: ReadonlyMap<string, number>
}

/**
 * Alarms for identities and holds that this machine saw and that are gone although Holdfast did not take them away. A hold
 * goes only with the data of its point. An identity goes only after all points have new keys.
 */
export async function compareHoldings(
  state: RepositoryState,
  { chain, holds, generations }: Holdings,
  context: Context,
): Promise<readonly string[]> {
  const seen = await state.memory.load(state.id)
  const { names, others } = await entriesOf(state.storage, IDENTITIES, context.signal)
  const present = new Set(names.flatMap((name) => parseIdentityName(name)?.name ?? []))
  const points = new Set(chain.commits.map(({ commit }) => commit.point))
  const lostHolds = (seen.holds ?? []).filter((name) => !holds.includes(name) && points.has(pointOf(name)))
  const gone = (seen.identities ?? []).filter(({ name }) => !present.has(name))
  const lost = gone.filter(({ point, generation }) => (generations.get(point) ?? Infinity) <= generation)
  const now = { holds: [...holds, ...lostHolds], identities: [...identitiesNow(chain, present, generations), ...lost] }
  await remember(state, seen, now, context)
  return [
    ...lostHolds.map(holdAlarm),
    ...lost.map(identityAlarm),
    ...others.flatMap(({ name, message }) => `${name} ${message}`),
  ]
}

function holdAlarm(name: string): string {
  return `the hold of restore point ${pointOf(name)} is gone: something removed ${name}`
}

function identityAlarm({ name }: SeenIdentity): string {
  return `the identity ${name} is gone: something other than Holdfast removed it`
}

/** Forgets what is gone, for the alarms that are known: it raises them no more. What is there is remembered anew. */
export async function takeHoldingsAsKnown(state: RepositoryState, isKnown: (alarm: string) => boolean): Promise<void> {
  const seen = await state.memory.load(state.id)
  const holds = (seen.holds ?? []).filter((name) => !isKnown(holdAlarm(name)))
  const identities = (seen.identities ?? []).filter((identity) => !isKnown(identityAlarm(identity)))
  await state.memory.save(state.id, { ...seen, holds, identities })
}

function pointOf(proof: string): string {
  return parseProofName(proof)?.point ?? ''
}

/** With the newest point and its keys, by which a removal through Holdfast is known later. */
function identitiesNow(
  { commits }: Chain,
  present: ReadonlySet<string>,
  generations: ReadonlyMap<string, number>,
): SeenIdentity[] {
  const point = commits.at(-1)?.commit.point
  const generation = point === undefined ? undefined : generations.get(point)
  if (point === undefined || generation === undefined) return []
  return [...present].map((name) => ({ name, point, generation }))
}

async function remember(
  state: RepositoryState,
  seen: Seen,
  now: Required<Pick<Seen, 'holds' | 'identities'>>,
  context: Context,
): Promise<void> {
  const { holds = [], identities = [] } = seen
  if (JSON.stringify([holds, identities]) === JSON.stringify([now.holds, now.identities])) return
  try {
    await state.memory.save(state.id, { ...seen, ...now })
  } catch (error) {
    // Not to remember is said, and what was asked for goes on.
    const message = `this machine cannot remember what it saw of ${state.storage.location}: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}
