import type { TargetState } from '../target.ts'

/**
 * - loading, loaded: what the restore brings is kept.
 * - saving: what it will replace is being retained. From `swapping` on some live values are old and some restored.
 * - undoing, undone: the same, back to what was there before.
 */
export type SwapStage = 'loading' | 'loaded' | 'saving' | 'swapping' | 'swapped' | 'undoing' | 'undone'

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

export function stateAt(stage: SwapStage | undefined): TargetState {
  return stage === undefined ? 'untouched' : STATES[stage]
}

/** Whether it is over, and retains what was there before or what an undo set aside. */
export function isRetainedAt(stage: SwapStage): boolean {
  return stage === 'swapped' || stage === 'undone'
}
