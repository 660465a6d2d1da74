import type { App, OperationContext } from '../app.ts'
import { isHeldElsewhere } from '../pause/hold.ts'
import { touchesLive, type PauseFacts } from '../pause/may-resume.ts'
import type { PauseRecord } from '../pause/record.ts'
import { isAtWork } from './claim-journal.ts'
import { isFinished, journalsOf, type RestoreJournal } from '../restore/journal.ts'
import { unsettledOf, type Unsettled } from './settle.ts'

/** What keeps an app down, as this machine has noted it. */
export interface LeftDown {
  readonly record: PauseRecord | undefined
  readonly facts: Omit<PauseFacts, 'isAsked'>
  /** Who is at it now, as far as can be told. */
  readonly owners: readonly string[]
  /** What the databases are to be asked of; undefined where nothing touched them. */
  readonly unsettled: Unsettled | undefined
}

/** Changes nothing. Undefined where nothing of the app is down, as far as this machine knows. */
export async function lookDown(
  app: App,
  record: PauseRecord | undefined,
  context: OperationContext,
): Promise<LeftDown | undefined> {
  const journals = (await journalsOf(app.name, context.records)).filter(({ into }) => into === undefined)
  const unfinished = journals.findLast(({ stage }) => !isFinished(stage))
  const touching = unfinished !== undefined && isTouching(unfinished, record) ? unfinished : undefined
  if (record === undefined && touching === undefined) return undefined
  const owners = [
    ...(record !== undefined && (await isHeldElsewhere(record, context)) ? [record.owner ?? ''] : []),
    ...(touching !== undefined && (await isAtWork(touching, context)) ? [touching.owner ?? ''] : []),
  ]
  const isEnded = journals.some(({ restoreId, stage }) => restoreId === record?.id && isFinished(stage))
  const unsettled = isEnded && touching === undefined ? undefined : unsettledOf(record, touching)
  return {
    record,
    owners,
    facts: { isRunning: owners.length > 0, unfinished, now: context.clock.now().getTime() },
    unsettled,
  }
}

/** What is loaded beside touches nothing, unless it has paused the app. */
function isTouching(journal: RestoreJournal, record: PauseRecord | undefined): boolean {
  return touchesLive(journal) || (record?.operation === 'restore' && record.id === journal.restoreId)
}
