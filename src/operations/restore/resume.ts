import { toFailureUnder } from '../../core/cancelled.ts'
import { Failure } from '../../core/failure.ts'
import type { LiveTargetRequest } from '../../components/target.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { noteRestored } from '../lineage/server-notes.ts'
import { endHooksAfterFailure } from '../hooks/hooks.ts'
import { noteLive, release } from '../pause/hold.ts'
import { claimJournal, refuseAtWork, takeJournal } from '../guard/claim-journal.ts'
import { enterStage, type RestoreJournal } from './journal.ts'
import { finish, keptFor, activate, RestoreRun } from './execute.ts'
import { appInto } from './into/app-into.ts'
import { intoOptions } from '../../core/texts/into-text.ts'
import { isLiveAsBefore, rollBack, type TakenBack } from './phases.ts'
import { canContinue, nextStepFor } from './next-step.ts'
import { missingOf } from './missing.ts'
import type { RestoreReport } from './report.ts'
import { repairMixed } from './stopped/failures.ts'
import { openBareTargets, openTargets } from './targets.ts'

/**
 * Finishes a restore that was cut off, or one that was left staged. Going forward is safe because the comparison had
 * passed before the journal reached `staged`, and every step asks the world what is already done.
 */
export async function resumeRestore(
  own: App,
  reader: PointReader,
  left: RestoreJournal,
  context: OperationContext,
): Promise<RestoreReport> {
  const app = appInto(own, left.into)
  await refuseAtWork(left, context)
  // Before it is taken over: a refusal changes nothing.
  if (!canContinue(left))
    throw new Failure(
      'refused',
      `restore ${left.restoreId} of app ${app.name} stopped while ${left.stage} and cannot go forward`,
      { hint: nextStepFor(left) },
    )
  const journal = await takeJournal(left, context)
  const targets = await openTargets(app, reader, { ...optionsOf(journal), components: journal.components }, context)
  const run = new RestoreRun(journal, { missing: missingOf(reader, undefined), journal }, context)
  try {
    await (run.mode === 'in-place' ? finish(app, run, targets, context) : activate(app, run, targets, context))
    await noteRestored(app, journal.components, context)
    return { ...run.report('done', targets), previous: await keptFor(app, journal.restoreId, context) }
  } catch (error) {
    const failure = toFailureUnder(error, context.signal)
    throw new Failure(
      failure.kind,
      `restore ${journal.restoreId} of app ${app.name} could not be finished: ${failure.message}`,
      {
        cause: error,
        hint: `Repair what is named and run it again, or go back to the data from before with holdfast restore ${app.name}${intoOptions(app.into)} --abandon.`,
      },
    )
  }
}

/** Takes back a restore that was cut off: the data from before it is live and open, and what it loaded is gone, or kept aside if writers may have been in it. Needs no identity. */
export async function abandonRestore(
  own: App,
  left: RestoreJournal,
  context: OperationContext,
): Promise<RestoreJournal> {
  const app = appInto(own, left.into)
  const journal = await claimJournal(left, context)
  const isMixed =
    journal.mode === 'in-place' && journal.stage !== 'planned' && (await reopenInPlace(app, journal, context))
  if (journal.mode !== 'in-place' || journal.stage === 'planned')
    await rollBack(
      await openBareTargets(app, journal.components, optionsOf(journal), context),
      takenBack(journal),
      context,
    )
  await noteLive(app, journal.restoreId, isMixed ? 'unsure' : liveAgain(journal), context)
  await release(app, journal.restoreId, context)
  await endHooksAfterFailure(app, journal.restoreId, context)
  return await enterStage(journal, 'abandoned', context.records, context.clock)
}

/** Who takes back an undo ends it: what it was to bring is live. */
function liveAgain({ stage }: RestoreJournal): 'before' | 'restored' {
  return stage === 'undoing' ? 'restored' : 'before'
}

/** From `reopening` on writers may have been in the restored data, and nothing else has what they wrote. */
function takenBack({ stage }: RestoreJournal): TakenBack {
  return stage === 'reopening' || stage === 'undoing' ? 'kept aside' : 'forgotten'
}

/** What was overwritten cannot be taken back here; the safety point holds it. Says whether the data may be mixed. */
async function reopenInPlace(app: App, journal: RestoreJournal, context: OperationContext): Promise<boolean> {
  const targets = await openBareTargets(app, journal.components, optionsOf(journal), context)
  // Opening takes the marks away that tell.
  const isChanged = journal.stage === 'loading' && !(await isLiveAsBefore(targets, context))
  for (const { target } of targets) await target.reopen(context)
  if (!isChanged) return false
  const message = `the restore in place was cut off while ${journal.stage}. ${repairMixed(app.name, journal.safetyPoint)}`
  context.progress({ type: 'warning', message })
  return true
}

function optionsOf({ mode, restoreId, accept }: RestoreJournal): LiveTargetRequest {
  return { mode, restoreId, accept }
}
