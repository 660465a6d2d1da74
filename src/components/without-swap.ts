import { Failure } from '../core/failure.ts'
import type { RestoreTarget } from './target.ts'

type WithoutSwap = Pick<
  RestoreTarget,
  'description' | 'confirmation' | 'runChecks' | 'fence' | 'swap' | 'reopen' | 'undo' | 'forget'
>

/** What is the same for targets that write where they are to stay, and keep nothing of what was there. */
export function withoutSwap(description: string, confirmation: string): WithoutSwap {
  return {
    description,
    confirmation,
    runChecks: () => Promise.resolve([]),
    fence: () => Promise.resolve(),
    reopen: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    swap: () => Promise.reject(new Failure('refused', `${description} is not swapped`)),
    undo: () =>
      Promise.reject(
        new Failure('refused', `the restore of ${description} keeps nothing to undo it`, {
          hint: 'Restore the safety point that was made before it.',
        }),
      ),
  }
}
