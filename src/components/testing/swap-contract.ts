import assert from 'node:assert/strict'
import { isFailure } from '../../core/failure.ts'
import type { RestoreTarget } from '../target.ts'
import type { ContractTests } from './contract.ts'
import { cutsOf, sourceFrom } from './memory-artifacts.ts'
import { assertRefused, CAPTURED, context, LIVE, RESTORE_ID, type Stage } from './stage.ts'

/** The table of `Target`, for targets beside the live data. Each act is done twice: a run that died does it again. */
export function swapContract<Settings, Details>({ staged, locks, unread }: ContractTests<Settings, Details>): void {
  staged('swap: each step twice, from nothing to undone and forgotten', (stage) => wholeWay(stage, locks))
  staged('swap: forgetting ends the way back and keeps what is live', forgetting)
  staged('swap: reopen before the swap lets writers into the old data', reopening)
  staged('swap: discard takes away what was loaded, and only that', discarding)
  staged('swap: where nothing was live, an undo leaves nothing', nothingLive)
  staged('swap: a point that ends early is not swapped in', (stage) => endingEarly(stage, unread))
}

async function twice(act: () => Promise<unknown>): Promise<void> {
  await act()
  await act()
}

async function wholeWay<Settings, Details>(stage: Stage<Settings, Details>, locks: boolean): Promise<void> {
  const { details } = stage.point
  const target = await stage.open()
  await stage.assertIs(target, 'untouched', LIVE)
  await assertRefused(target.swap(details, context))
  await assertRefused(target.undo(context))
  const findings = await target.preflight(details, context, stage.point.source)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
  await stage.assertClean(LIVE)

  await twice(() => stage.load(target))
  await stage.assertIs(target, 'staged', LIVE)
  await twice(async () => assert.deepEqual([await stage.compare(target), await target.runChecks(context)], [[], []]))
  if (locks) await assertRefused(target.swap(details, context))
  await twice(() => target.fence(context))
  assert.equal(await target.state(context), locks ? 'fenced' : 'staged')
  await twice(() => target.swap(details, context))
  assert.equal(await target.state(context), 'swapped')
  await twice(() => target.reopen(context))
  await stage.assertIs(target, 'swapped', CAPTURED)
  assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
  await assertRefused(stage.load(target))
  await target.discard(context)
  await stage.assertIs(target, 'swapped', CAPTURED)
  // As a resumed run does when another component of the app is not swapped yet.
  await target.fence(context)
  await target.swap(details, context)
  await target.reopen(context)
  await stage.assertIs(target, 'swapped', CAPTURED)

  await twice(() => target.undo(context))
  await target.reopen(context)
  await stage.assertIs(target, 'untouched', LIVE)
  assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
  await twice(() => target.forget(context))
  await stage.assertClean(LIVE)
}

async function forgetting<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.restore()
  await twice(() => target.forget(context))
  await stage.assertIs(target, 'untouched', CAPTURED)
  await assertRefused(target.undo(context))
  await stage.assertClean(CAPTURED)
}

async function reopening<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open()
  await stage.load(target)
  await target.fence(context)
  await twice(() => target.reopen(context))
  await stage.assertIs(target, 'staged', LIVE)
  await target.discard(context)
}

async function discarding<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const { driver, settings } = stage.subject
  const beside = async (): Promise<readonly string[]> =>
    ((await driver.listStaged?.(settings, context)) ?? []).map(({ restoreId }) => restoreId)
  const target = await stage.open()
  await stage.load(target)
  if (driver.listStaged !== undefined) assert.deepEqual(await beside(), [RESTORE_ID])
  await twice(() => target.discard(context))
  assert.deepEqual(await beside(), [])
  await stage.assertIs(target, 'untouched', LIVE)
  await stage.assertClean(LIVE)
}

async function nothingLive<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  if (stage.subject.remove === undefined) return
  await stage.subject.remove()
  const target = await stage.restore()
  await stage.assertIs(target, 'swapped', CAPTURED)
  assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
  await twice(() => target.undo(context))
  await stage.assertIs(target, 'untouched', undefined)
  await target.forget(context)
  await stage.assertClean(undefined)
}

async function endingEarly<Settings, Details>(
  stage: Stage<Settings, Details>,
  unread: readonly string[] | undefined,
): Promise<void> {
  for (const [role, cut] of cutsOf(stage.point, unread)) {
    const target = await stage.open()
    const found = await howFound(target, stage.point.details, cut)
    assert.notEqual(found, 'not found', `half of ${role} was taken for the whole`)
    if (found === 'by load') await assertRefused(target.swap(stage.point.details, context))
    await stage.load(target)
    assert.deepEqual(await stage.compare(target), [], 'the next load starts over')
    await target.discard(context)
    await stage.assertIs(target, 'untouched', LIVE)
    await stage.assertClean(LIVE)
  }
}

async function howFound<Details>(
  target: RestoreTarget<Details>,
  details: Details,
  artifacts: ReadonlyMap<string, Buffer>,
): Promise<'by load' | 'by compare' | 'not found'> {
  const source = sourceFrom(artifacts)
  if (await isRed(target.load(details, source, context))) return 'by load'
  const compared = target.compare(details, context, source)
  return (await isRed(compared)) || (await compared).length > 0 ? 'by compare' : 'not found'
}

/** Whether an act fails because of what it was given. */
async function isRed(act: Promise<unknown>): Promise<boolean> {
  try {
    await act
    return false
  } catch (error) {
    if (isFailure(error, 'corrupt') || isFailure(error, 'toolFailed')) return true
    throw error
  }
}
