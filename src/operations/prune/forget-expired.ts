import type { StagedRestore } from '../../components/driver.ts'
import { describe, Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { SKEW_LIMIT } from '../../core/retention/retention-guards.ts'
import type { App, OperationContext } from '../app.ts'
import { componentsInto } from '../restore/into/app-into.ts'
import { isFinished, journalsOf } from '../restore/journal.ts'
import { scratchesOf } from '../scratch/record.ts'
import { removeOverdue } from '../scratch/remove.ts'
import { forgetElsewhere } from './forget-elsewhere.ts'
import type { ForgottenPrevious, IsMine } from './forgotten.ts'

/** Removes what earlier restores retained for undo, once its time is over. */
export async function forgetExpired(
  app: App,
  context: OperationContext,
  accepted: readonly string[] = [],
): Promise<readonly ForgottenPrevious[]> {
  const doubt = accepted.includes('clock-skew') ? undefined : await clockDoubt(app, context)
  if (doubt !== undefined) return [{ component: app.name, description: 'what is retained for undo', failure: doubt }]
  const here = await forgetAt(app, () => true, context)
  const elsewhere = await forgetElsewhere(app, (there, isMine) => forgetAt(there, isMine, context), accepted, context)
  return [...(await forgetScratches(app, context)), ...here, ...elsewhere]
}

/** What is over at one place of the app, of the restores that are its own there. */
async function forgetAt(app: App, isMine: IsMine, context: OperationContext): Promise<readonly ForgottenPrevious[]> {
  return [...(await forgetStaged(app, isMine, context)), ...(await forgetRetained(app, isMine, context))]
}

async function forgetRetained(
  app: App,
  isMine: IsMine,
  context: OperationContext,
): Promise<readonly ForgottenPrevious[]> {
  const forgotten: ForgottenPrevious[] = []
  for (const { name, driver, settings } of componentsInto(app)) {
    try {
      const expired = (await driver.listRetained(settings, context)).filter(({ until }) => until <= context.clock.now())
      for (const { restoreId, description } of expired) {
        if (!isMine(restoreId)) continue
        const target = await driver.open(settings, { mode: 'swap', restoreId }, context)
        await target.forget(context)
        forgotten.push({ component: name, description })
      }
    } catch (error) {
      assertNotCancelled(context)
      forgotten.push({ component: name, description: 'data retained for undo', failure: describe(error) })
    }
  }
  return forgotten
}

/** By a clock that was set wrong, everything is over at once. The clocks of the repositories are the ones to compare with. */
async function clockDoubt(app: App, context: OperationContext): Promise<string | undefined> {
  for (const target of app.repositories) {
    const skew = await (await target.open(context)).clockSkew(context)
    if (Math.abs(skew) > SKEW_LIMIT)
      return `the clocks of this machine and of ${target.name} differ by ${Math.round(Math.abs(skew) / 1000)} s, so that nobody knows what is over`
  }
  return undefined
}

/** Longer than a restore may run, and as long as everything else that can be taken back. */
const STAGED_MILLISECONDS = 72 * 3_600_000

/**
 * What is staged and that nobody here will come back for: a drill of another machine that was killed, or a
 * restore whose journal is gone. One with an unfinished journal here stays for `--continue`, however old it is.
 */
async function forgetStaged(
  app: App,
  isMine: IsMine,
  context: OperationContext,
): Promise<readonly ForgottenPrevious[]> {
  const wanted = await wantedHere(app, context)
  const forgotten: ForgottenPrevious[] = []
  for (const { name, driver, settings } of componentsInto(app)) {
    const isOld = ({ since }: StagedRestore): boolean =>
      since.getTime() + STAGED_MILLISECONDS <= context.clock.now().getTime()
    try {
      for (const staged of (await driver.listStaged?.(settings, context)) ?? []) {
        if (!isMine(staged.restoreId) || !isOld(staged) || wanted.has(staged.restoreId)) continue
        const request = { mode: 'swap', restoreId: staged.restoreId } as const
        await (await driver.open(settings, request, context)).discard(context)
        forgotten.push({ component: name, description: staged.description })
      }
    } catch (error) {
      assertNotCancelled(context)
      forgotten.push({ component: name, description: 'staged data', failure: describe(error) })
    }
  }
  return forgotten
}

async function wantedHere(app: App, context: OperationContext): Promise<ReadonlySet<string>> {
  const unfinished = (await journalsOf(app.name, context.records)).filter(({ stage }) => !isFinished(stage))
  const scratches = await scratchesOf(app, context)
  return new Set([...unfinished, ...scratches].map(({ restoreId }) => restoreId))
}

async function forgetScratches(app: App, context: OperationContext): Promise<readonly ForgottenPrevious[]> {
  try {
    return (await removeOverdue(app, context)).map((description) => ({ component: app.name, description }))
  } catch (error) {
    assertNotCancelled(context)
    return [{ component: app.name, description: 'what drills left', failure: describe(error) }]
  }
}

function assertNotCancelled({ signal }: Context): void {
  if (signal.aborted) throw new Failure('cancelled', 'cancelled')
}
