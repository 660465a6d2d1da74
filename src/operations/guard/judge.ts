import type { TargetState } from '../../components/target.ts'
import type { RestoreJournal } from '../restore/journal.ts'

/** What an operation that died had begun, and what its targets say now. */
export interface Found {
  readonly work: 'swap' | 'in-place' | 'undo'
  /** Of its journal; undefined where this machine has none. */
  readonly stage: RestoreJournal['stage'] | undefined
  /** Of each of its components, read from the databases and folders. */
  readonly states: readonly TargetState[]
  /** In place: whether the load changed nothing, as the databases say. */
  readonly isAsBefore: boolean
}

/**
 * - `let in`: what was live before is whole. Writers are let in.
 * - `finish`: what the operation brings is whole and proven. Only to open it is left.
 * - `take back`: some of it is old and some new, and nobody was let in: the old comes back.
 * - `undo on`: some of it is undone: the rest follows.
 * - `leave`: it may be a mixture. A person decides.
 */
export type Judgement = 'let in' | 'finish' | 'take back' | 'undo on' | 'leave'

/** What brings an app back after a death, by the table of docs/decisions/guardian.md. The databases decide, not the journal. */
export function judge(found: Found): Judgement {
  if (found.work === 'in-place') return judgeInPlace(found)
  const all = found.states.every((state) => state === 'swapped')
  const some = found.states.includes('swapped')
  if (found.work === 'undo') return all ? 'let in' : 'undo on'
  if (all) return 'finish'
  // Without a journal nobody knows whether writers were in what is new.
  if (some) return found.stage === undefined ? 'leave' : 'take back'
  return 'let in'
}

/** In place nothing is beside: from the first byte of the load until its comparison nobody knows what is live. */
function judgeInPlace({ stage, states, isAsBefore }: Found): Judgement {
  if (stage === 'loading') return isAsBefore ? 'let in' : 'leave'
  if (stage === 'reopening') return states.includes('fenced') ? 'leave' : 'finish'
  return states.includes('swapped') ? 'leave' : 'let in'
}
