import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { directEffects } from '../../system/effects.ts'
import type { RestoreTarget } from '../target.ts'
import type { ContractTests } from './contract.ts'
import { assertRefused, CAPTURED, context, contextWith, LIVE, type Stage } from './stage.ts'

/** What targets promise that write over the live data, or into a place that is thrown away. */
export function otherModesContract<Settings, Details>({
  staged,
  modes,
  differences = {},
}: ContractTests<Settings, Details>): void {
  if (modes.includes('in-place')) {
    staged('in place: the live data becomes the captured, twice, and nothing is kept', inPlace)
    for (const [name, plant] of Object.entries({ 'another text': writeAnother, ...differences }))
      staged(`in place: compare sees a difference: ${name}`, async (stage) => {
        const target = await loadedInPlace(stage)
        assert.deepEqual(await stage.compare(target), [])
        await plant(stage.subject)
        assert.notDeepEqual(await stage.compare(target), [])
      })
  }
  if (modes.includes('scratch')) {
    staged('scratch: loaded twice, compared and thrown away, and the live data is not touched', scratch)
    staged('scratch: a copy that is left is found and removed by another process', leftCopy)
  }
}

function writeAnother(subject: { write(text: string): Promise<void> }): Promise<void> {
  return subject.write('another text')
}

async function loadedInPlace<Settings, Details>(stage: Stage<Settings, Details>): Promise<RestoreTarget<Details>> {
  const target = await stage.open('in-place')
  await target.fence(context)
  await stage.load(target)
  return target
}

async function assertNoError<Settings, Details>(
  { point }: Stage<Settings, Details>,
  target: RestoreTarget<Details>,
): Promise<void> {
  const findings = await target.preflight(point.details, context, point.source)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
}

async function inPlace<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  await assertNoError(stage, await stage.open('in-place'))
  await stage.assertClean(LIVE)
  for (const _ of ['first', 'again']) {
    const target = await loadedInPlace(stage)
    assert.deepEqual([await stage.compare(target), await target.runChecks(context)], [[], []])
    await target.reopen(context)
    await target.reopen(context)
    await target.discard(context)
    await target.forget(context)
    await stage.assertClean(CAPTURED)
  }
}

async function scratch<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open('scratch')
  await assertNoError(stage, target)
  await stage.load(target)
  await stage.load(target)
  assert.deepEqual([await stage.compare(target), await target.runChecks(context)], [[], []])
  assert.equal(await target.state(context), 'staged')
  await assertRefused(target.swap(stage.point.details, context))
  await assertRefused(target.undo(context))
  await target.reopen(context)
  await target.discard(context)
  await target.discard(context)
  assert.equal(await target.state(context), 'untouched')
  await stage.assertClean(LIVE)
}

async function leftCopy<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open('scratch')
  if (target.copy === undefined) return
  await stage.load(target)
  const { folder } = await target.copy.leave(contextWith(directEffects))
  await access(folder)
  await (await stage.open('scratch')).discard(context)
  await assert.rejects(access(folder))
  await stage.assertClean(LIVE)
}
