import type { RetainedCopy } from '../driver.ts'
import { keptUntil } from '../keep-previous.ts'
import { isRetainedAt } from './stages.ts'
import type { FoundSwap } from './value-store.ts'

interface Kept extends Pick<FoundSwap, 'record'> {
  readonly restoreId: string
  /** What is kept, for people. */
  readonly values: string
}

/** What restores retain, newest first, and for how long. */
export function retainedCopies(
  kept: readonly Kept[],
  settings: Parameters<typeof keptUntil>[1],
): readonly RetainedCopy[] {
  const retained = kept.filter(({ record }) => isRetainedAt(record.stage))
  const copies = retained.map(({ restoreId, record, values }) => {
    const since = new Date(record.since)
    const description = `${values} from ${record.stage === 'undone' ? 'before an undo' : 'before the restore'}`
    return { restoreId, description, since, until: keptUntil(since, settings) }
  })
  return copies.toSorted((a, b) => b.since.getTime() - a.since.getTime())
}
