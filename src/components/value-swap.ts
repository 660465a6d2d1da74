import { Failure } from '../core/failure.ts'
import type { RetainedCopy } from './driver.ts'
import type { TargetState } from './target.ts'
import { keptUntil } from './keep-previous.ts'

/**
 * A swap into a store of values that has no rename, such as KV of OpenBao or Secrets of Kubernetes. What the restore brings
 * and what it replaces are kept in the store itself, beside a record of how far it got; then value after value is brought
 * to what is wanted. How values are kept and written is the driver's; what may be done at each stage is here.
 *
 * - loading, loaded: what the restore brings is kept.
 * - saving: what it will replace is being kept. From `swapping` on live values are changed, some are old and some restored.
 * - undoing, undone: the same, back to what was there before.
 */
type SwapStage = 'loading' | 'loaded' | 'saving' | 'swapping' | 'swapped' | 'undoing' | 'undone'

/** What the store says of one restore. */
interface FoundSwap {
  readonly stage: { remove(): Promise<void> }
  readonly record: { readonly stage: SwapStage }
}

/** `fenced` is the time in which values are changed. */
const STATES: Readonly<Record<SwapStage, TargetState>> = {
  loading: 'staged',
  loaded: 'staged',
  saving: 'staged',
  swapping: 'fenced',
  swapped: 'swapped',
  undoing: 'fenced',
  undone: 'untouched',
}

export function stateOf(found: FoundSwap | undefined): TargetState {
  return found === undefined ? 'untouched' : STATES[found.record.stage]
}

export function requireFound<Found extends FoundSwap>(found: Found | undefined, description: string): Found {
  if (found !== undefined) return found
  throw new Failure('refused', `nothing was restored beside ${description}`, { hint: 'Restore again.' })
}

/** `why` says how it came that nothing is there, as a full sentence. */
export function requireKept<Found extends FoundSwap>(
  found: Found | undefined,
  description: string,
  why: string,
): Found {
  if (found !== undefined) return found
  throw new Failure('refused', `nothing is retained to undo the restore of ${description}`, {
    hint: `${why} Restore an older restore point instead.`,
  })
}

/** What must be finished or taken back before anything else is done with it. */
export function refusedAt({ stage }: FoundSwap['record'], description: string): Failure {
  return new Failure('refused', `the restore of ${description} is ${stage}`, {
    hint: 'Finish it or take it back first.',
  })
}

export function requireStage({ record }: FoundSwap, stages: readonly SwapStage[], description: string): void {
  if (!stages.includes(record.stage)) throw refusedAt(record, description)
}

/** A load starts over as long as no live value was changed. */
export function requireLoadable(found: FoundSwap | undefined, description: string): void {
  if (found !== undefined && stateOf(found) !== 'staged') throw refusedAt(found.record, description)
}

/** Never what is retained for undo or after one. */
export async function discardLoaded(found: FoundSwap | undefined): Promise<void> {
  if (stateOf(found) === 'staged') await found?.stage.remove()
}

export async function forgetRetained(found: FoundSwap | undefined, description: string): Promise<void> {
  if (found === undefined) return
  if (!isKept(found.record)) throw refusedAt(found.record, description)
  await found.stage.remove()
}

/** Whether it is over, and keeps what was there before or what an undo set aside. */
export function isKept({ stage }: FoundSwap['record']): boolean {
  return stage === 'swapped' || stage === 'undone'
}

/** What of a restore is kept, and for how long. */
export function keptSince(
  record: FoundSwap['record'] & { readonly since: string },
  values: string,
  settings: Parameters<typeof keptUntil>[1],
): Omit<RetainedCopy, 'restoreId'> {
  const since = new Date(record.since)
  return {
    description: `${values} from ${record.stage === 'undone' ? 'before an undo' : 'before the restore'}`,
    since,
    until: keptUntil(since, settings),
  }
}
