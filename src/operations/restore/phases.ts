import { describe, Failure } from '../../core/failure.ts'
import type { Difference } from '../../core/restore-point.ts'
import { ofComponent } from '../../core/progress.ts'
import type { RestoreTarget } from '../../components/target.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { drain, watchReads } from '../source.ts'
import type { ComponentRestore } from './targets.ts'

/** Anything with a target, in swap order. */
type WithTarget = { readonly name: string; readonly target: RestoreTarget }

/**
 * Reads and authenticates every byte of what will be restored before any parser or server sees the first one: a point
 * with a flipped last bit must not cause a single statement. Only of what `load` takes beside as mere data the bytes are
 * left to `loadAll`, which does not end well before it has seen all of them; they are looked for here. Over live data,
 * `place` is `live` and nothing is left for later.
 */
export async function authenticate(
  reader: PointReader,
  restoring: readonly ComponentRestore[],
  place: 'staged' | 'live',
  context: OperationContext,
): Promise<void> {
  context.progress({ type: 'phase', phase: 'authenticate', detail: reader.commit.point })
  await reader.checkPresence(context)
  for (const one of restoring) {
    const later = place === 'live' ? [] : authenticatedByLoad(one)
    for (const role of one.source.roles) if (!later.includes(role)) await drain(one.source.read(role))
  }
}

function authenticatedByLoad({ target, details }: ComponentRestore): readonly string[] {
  return target.authenticatedByLoad?.(details) ?? []
}

/**
 * When this ends well, every byte of the point was authenticated: what a load left unread is read behind it. `onLoaded` is
 * told of each as soon as it is loaded whole.
 */
export async function loadAll(
  restoring: readonly ComponentRestore[],
  context: OperationContext,
  onLoaded: (one: ComponentRestore) => void = () => undefined,
): Promise<void> {
  // The database first: it takes longest, and a point that cannot be loaded should say so before files are written.
  for (const one of restoring.toReversed()) {
    context.progress({ type: 'phase', phase: 'load', component: one.name })
    const { source, finished } = watchReads(one.source)
    await one.target.load(one.details, source, ofComponent(context, one.name))
    for (const role of authenticatedByLoad(one)) if (!finished.has(role)) await drain(one.source.read(role))
    onLoaded(one)
  }
}

/** For people: what was loaded in another way than it was captured. */
export function remarksOf(restoring: readonly WithTarget[]): readonly string[] {
  return restoring.flatMap(({ name, target }) => (target.remarks?.() ?? []).map((remark) => `${name}: ${remark}`))
}

/**
 * Whether a restore in place that stopped while it loaded changed nothing: the component that is loaded first says that it did
 * not, so that no other was begun. What cannot be asked counts as changed.
 */
export async function isLiveAsBefore(targets: readonly WithTarget[], context: OperationContext): Promise<boolean> {
  const first = targets.at(-1)?.target
  try {
    return (await first?.isAsBefore?.(context)) ?? false
  } catch (error) {
    context.progress({
      type: 'warning',
      message: `whether the live data was changed cannot be asked: ${describe(error)}`,
    })
    return false
  }
}

/** Everything in which the loaded data is not what was captured, or a check of the app did not pass. */
export async function compareAll(
  restoring: readonly ComponentRestore[],
  context: OperationContext,
): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const { name, target, details, source, compareDrilled } of restoring) {
    context.progress({ type: 'phase', phase: 'compare', component: name })
    const about = ofComponent(context, name)
    const found = [...(await target.compare(details, about, source)), ...(await target.runChecks(about))]
    differences.push(...found.map((difference) => ({ ...difference, subject: `${name}: ${difference.subject}` })))
    differences.push(...((await compareDrilled?.(context)) ?? []))
  }
  return differences
}

export async function fenceAll(targets: readonly WithTarget[], context: OperationContext): Promise<void> {
  for (const { name, target } of targets) {
    context.progress({ type: 'phase', phase: 'fence', component: name })
    await target.fence(context)
  }
}

/**
 * Swaps one target after the other. A target whose swap failed may still have swapped, with only its answer lost: the
 * target's own state decides.
 */
export async function swapAll(restoring: readonly ComponentRestore[], context: OperationContext): Promise<void> {
  for (const { name, target, details } of restoring) {
    context.progress({ type: 'phase', phase: 'swap', component: name })
    try {
      await target.swap(details, context)
    } catch (error) {
      if ((await target.state(context)) !== 'swapped') throw error
      await finishSwap(name, target, details, context)
    }
  }
}

/** Not so when an abandonment of the restore was cut off as well. */
export async function areSwapped(targets: readonly WithTarget[], context: OperationContext): Promise<boolean> {
  for (const { target } of targets) if ((await target.state(context)) !== 'swapped') return false
  return true
}

/** Clears away what a swap that happened would have cleared away. That it cannot is no reason to take the swap back. */
async function finishSwap(
  name: string,
  target: RestoreTarget,
  details: unknown,
  context: OperationContext,
): Promise<void> {
  try {
    await target.swap(details, context)
  } catch (error) {
    context.progress({
      type: 'warning',
      message: `${name} is swapped, but something was left beside it: ${describe(error)}`,
    })
  }
}

export async function reopenAll(targets: readonly WithTarget[], context: OperationContext): Promise<void> {
  for (const { name, target } of targets) {
    context.progress({ type: 'phase', phase: 'reopen', component: name })
    await target.reopen(context)
  }
}

async function discardAll(targets: readonly WithTarget[], context: OperationContext): Promise<void> {
  for (const { target } of targets) await target.discard(context)
}

/** Whether what a roll back takes away from the app is thrown away, or kept aside as after an undo. */
export type TakenBack = 'forgotten' | 'kept aside'

/**
 * Takes everything back to how it was before the restore: what was swapped is undone, writers are let in, what was
 * loaded is removed. Safe at any stage and safe to repeat. Only what no writer has ever been in may be forgotten.
 */
export async function rollBack(
  targets: readonly WithTarget[],
  takenBack: TakenBack,
  context: OperationContext,
): Promise<void> {
  for (const { name, target } of targets.toReversed()) {
    context.progress({ type: 'phase', phase: 'roll back', component: name })
    const swapped = (await target.state(context)) === 'swapped'
    if (swapped) await target.undo(context)
    await target.reopen(context)
    if (swapped && takenBack === 'forgotten') await target.forget(context)
  }
  await discardAll(targets, context)
}

/** The failure of a comparison, which stops a restore before anything live was touched. */
export function differenceFailure(app: string, differences: readonly Difference[]): Failure {
  const first = differences
    .slice(0, 3)
    .map(({ subject, expected, found }) => `${subject}: expected ${expected}, found ${found}`)
  const more = differences.length > 3 ? ` and ${differences.length - 3} more` : ''
  return new Failure(
    'corrupt',
    `the restored data of app ${app} is not what was captured: ${first.join('; ')}${more}`,
    {
      hint: 'The live data is as before. Try an older restore point, and keep this one for analysis.',
      facts: { differences: differences.length },
    },
  )
}
