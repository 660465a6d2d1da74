import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effects } from '../../core/ports.ts'
import { BOTH, broken, stageFor, type Stage } from '../testing/paused-stage.ts'
import { findRecord } from './record.ts'
import { diesAt } from '../testing/dies-at.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { journalsOf } from '../restore/journal.ts'
import { planRestore } from '../restore/plan.ts'
import { abandonUnfinished, continueUnfinished } from '../restore/run.ts'

const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }

const actsOf = ({ log }: Stage): string[] => log.filter((act) => !act.includes('load'))

test('writers are stopped before the fence and started after the data is open, in the other order', async (t) => {
  const stage = await stageFor(t)
  const { pauses, comesBack } = await planRestore(stage.app, {}, stage.testHost.context())
  assert.deepEqual([pauses, comesBack?.map(({ workload }) => workload)], [[...BOTH], [...BOTH]])
  assert.equal((await restoreIn(stage.testHost, stage.app, ORDER)).outcome, 'done')
  assert.deepEqual(actsOf(stage), [
    'pause web',
    'pause worker',
    'database fence',
    'database swap',
    'database reopen',
    'resume worker',
    'resume web',
  ])
  assert.deepEqual(stage.up, BOTH)
})

test('what did not run before stays down', async (t) => {
  const stage = await stageFor(t)
  stage.up.delete('worker')
  await restoreIn(stage.testHost, stage.app, ORDER)
  assert.deepEqual(stage.up, new Set(['web']))
})

test('a restore that stops and leaves the live data as before starts them again', async (t) => {
  for (const fault of ['pause worker', 'database fence'] as const) {
    const stage = await stageFor(t)
    if (fault === 'pause worker') stage.faults.add(fault)
    else stage.place.faults.set('fence', broken)
    const report = await restoreIn(stage.testHost, stage.app, ORDER)
    assert.deepEqual([report.outcome, report.live, stage.up], ['stopped', 'as before', BOTH], fault)
  }
})

test('the record says what is live before that changes', async (t) => {
  const stage = await stageFor(t)
  const seen: string[] = []
  const looking: Effects = {
    async run(name, act) {
      const [place, what] = name.split(': ')
      if (place === 'database') seen.push(`${what} ${(await findRecord(stage.app, stage.testHost.context()))?.live}`)
      return await act()
    },
  }
  await restoreIn(stage.testHost, stage.app, ORDER, looking)
  assert.deepEqual(seen.slice(2), ['fence before', 'swap unsure', 'reopen restored'])
  seen.length = 0
  await restoreIn(stage.testHost, stage.app, { ...ORDER, restoreId: 'abcdef02', mode: 'in-place' }, looking)
  assert.deepEqual(seen, ['fence before', 'load half unsure', 'load unsure', 'reopen restored'])
})

test('a swap that fails and is taken back starts them again', async (t) => {
  const stage = await stageFor(t)
  const failing: Effects = {
    run: (name, act) => (name === 'database: swap' ? Promise.reject(broken) : act()),
  }
  const report = await restoreIn(stage.testHost, stage.app, ORDER, failing)
  assert.deepEqual([report.live, stage.place.live, stage.up], ['as before', 'live', BOTH])
})

test('over data that may be mixed they stay down, and the next restore that is whole starts them', async (t) => {
  const stage = await stageFor(t)
  stage.place.faults.set('load half', broken)
  const mixed = await restoreIn(stage.testHost, stage.app, { ...ORDER, mode: 'in-place' })
  assert.deepEqual([mixed.live, stage.up], ['may be mixed', new Set()])
  const told = stage.testHost.events.filter(({ type }) => type === 'warning')
  assert.match(JSON.stringify(told), /web, worker stay stopped/)
  stage.place.faults.clear()
  await restoreIn(stage.testHost, stage.app, { ...ORDER, restoreId: 'abcdef02', mode: 'in-place' })
  assert.deepEqual(stage.up, BOTH)
  stage.up.delete('web')
  await restoreIn(stage.testHost, stage.app, { ...ORDER, restoreId: 'abcdef03' })
  assert.deepEqual(stage.up, new Set(['worker']), 'somebody stopped it meanwhile')
})

test('one that cannot be started keeps no other down, and --continue tries again', async (t) => {
  const stage = await stageFor(t)
  stage.faults.add('resume worker')
  await assert.rejects(restoreIn(stage.testHost, stage.app, ORDER), {
    message: /workload worker.*it broke/,
    hint: /--continue/,
  })
  assert.deepEqual(stage.up, new Set(['web']))
  stage.faults.clear()
  await continueUnfinished(stage.app, undefined, stage.testHost.context())
  assert.deepEqual([stage.up, stage.place.live], [BOTH, 'captured'])
})

test('a platform that the configuration lost leaves nobody down in silence', async (t) => {
  const stage = await stageFor(t)
  stage.faults.add('resume worker')
  await assert.rejects(restoreIn(stage.testHost, stage.app, ORDER))
  const { platform: _platform, ...without } = stage.app
  const context = stage.testHost.context()
  await assert.rejects(continueUnfinished(without, undefined, context), { message: /no platform.*web, worker/ })
  stage.faults.clear()
  await continueUnfinished(stage.app, undefined, context)
  assert.deepEqual(stage.up, BOTH)
})

test('a process that dies anywhere leaves nothing down once its restore is finished or taken back', async (t) => {
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; ; at += 1) {
      const stage = await stageFor(t)
      const effects = diesAt(at, when)
      await restoreIn(stage.testHost, stage.app, ORDER, effects).catch(() => undefined)
      if (!effects.reached()) break
      const context = stage.testHost.context()
      const unfinished = (await journalsOf('portal', context.records)).some(
        ({ stage: one }) => !['done', 'abandoned'].includes(one),
      )
      if (unfinished) {
        const goOn =
          at % 2 === 0 ? continueUnfinished(stage.app, undefined, context) : abandonUnfinished(stage.app, context)
        await goOn.catch(() => abandonUnfinished(stage.app, context))
      }
      assert.deepEqual(stage.up, BOTH, `${when} effect ${at}`)
    }
  }
})
