import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Effects } from '../../core/ports.ts'
import type { Platform } from '../../platforms/platform.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, textComponent, type Workshop } from '../testing/workshop.ts'
import { journalsOf } from './journal.ts'
import { planRestore } from './plan.ts'
import { abandonUnfinished, continueUnfinished } from './run.ts'

const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }
const broken = new Failure('toolFailed', 'it broke')

interface Stage {
  readonly workshop: Workshop
  readonly app: App
  readonly place: TextPlace
  readonly log: string[]
  /** The workloads that run. */
  readonly up: Set<string>
  /** Acts that fail, for example `resume web`. */
  readonly faults: Set<string>
}

async function stageFor(t: TestContext): Promise<Stage> {
  const log: string[] = []
  const [up, faults] = [new Set(['web', 'worker']), new Set<string>()]
  const workshop = await newWorkshop()
  t.after(() => workshop.close())
  const place = new TextPlace('database', 'captured', log)
  const act = (name: string, change: () => unknown): Promise<void> => {
    log.push(name)
    if (faults.has(name)) return Promise.reject(broken)
    return Promise.resolve(void change())
  }
  const kind: Platform = {
    kind: 'list',
    settings: z.unknown(),
    running: () => Promise.resolve([...up]),
    pause: (_settings, name, { effects }) =>
      effects.run(`pause ${name}`, () => act(`pause ${name}`, () => up.delete(name))),
    resume: (_settings, name, { effects }) =>
      effects.run(`resume ${name}`, () => act(`resume ${name}`, () => up.add(name))),
  }
  const app: App = { ...workshop.app([textComponent(place)]), platform: { kind, settings: {} } }
  await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
  place.live = 'live'
  return { workshop, app, place, log, up, faults }
}

const BOTH = new Set(['web', 'worker'])
const actsOf = ({ log }: Stage): string[] => log.filter((act) => !act.includes('load'))

test('writers are stopped before the fence and started after the data is open, in the other order', async (t) => {
  const stage = await stageFor(t)
  assert.deepEqual((await planRestore(stage.app, {}, stage.workshop.context())).pauses, ['web', 'worker'])
  assert.equal((await restoreIn(stage.workshop, stage.app, ORDER)).outcome, 'done')
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
  await restoreIn(stage.workshop, stage.app, ORDER)
  assert.deepEqual(stage.up, new Set(['web']))
})

test('a restore that stops and leaves the live data as before starts them again', async (t) => {
  for (const fault of ['pause worker', 'database fence'] as const) {
    const stage = await stageFor(t)
    if (fault === 'pause worker') stage.faults.add(fault)
    else stage.place.faults.set('fence', broken)
    const report = await restoreIn(stage.workshop, stage.app, ORDER)
    assert.deepEqual([report.outcome, report.live, stage.up], ['stopped', 'as before', BOTH], fault)
  }
})

test('over data that may be mixed they stay down, and the next restore that is whole starts them', async (t) => {
  const stage = await stageFor(t)
  stage.place.faults.set('load half', broken)
  const mixed = await restoreIn(stage.workshop, stage.app, { ...ORDER, mode: 'in-place' })
  assert.deepEqual([mixed.live, stage.up], ['may be mixed', new Set()])
  const told = stage.workshop.events.filter(({ type }) => type === 'warning')
  assert.match(JSON.stringify(told), /web, worker stay stopped/)
  stage.place.faults.clear()
  await restoreIn(stage.workshop, stage.app, { ...ORDER, restoreId: 'abcdef02', mode: 'in-place' })
  assert.deepEqual(stage.up, BOTH)
  stage.up.delete('web')
  await restoreIn(stage.workshop, stage.app, { ...ORDER, restoreId: 'abcdef03' })
  assert.deepEqual(stage.up, new Set(['worker']), 'somebody stopped it meanwhile')
})

test('one that cannot be started keeps no other down, and --continue tries again', async (t) => {
  const stage = await stageFor(t)
  stage.faults.add('resume worker')
  await assert.rejects(restoreIn(stage.workshop, stage.app, ORDER), {
    message: /workload worker.*it broke/,
    hint: /--continue/,
  })
  assert.deepEqual(stage.up, new Set(['web']))
  stage.faults.clear()
  await continueUnfinished(stage.app, undefined, stage.workshop.context())
  assert.deepEqual([stage.up, stage.place.live], [BOTH, 'captured'])
})

test('a platform that the configuration lost leaves nobody down in silence', async (t) => {
  const stage = await stageFor(t)
  stage.faults.add('resume worker')
  await assert.rejects(restoreIn(stage.workshop, stage.app, ORDER))
  const { platform: _platform, ...without } = stage.app
  const context = stage.workshop.context()
  await assert.rejects(continueUnfinished(without, undefined, context), { message: /no platform.*web, worker/ })
  stage.faults.clear()
  await continueUnfinished(stage.app, undefined, context)
  assert.deepEqual(stage.up, BOTH)
})

/** Dies before or after the effect with this number; false when there are fewer. */
async function dieAt(stage: Stage, at: number, when: 'before' | 'after'): Promise<boolean> {
  let seen = 0
  const died = new Error('died')
  const effects: Effects = {
    async run(_name, act) {
      seen += 1
      if (seen > at || (seen === at && when === 'before')) throw died
      const result = await act()
      if (seen === at) throw died
      return result
    },
  }
  await restoreIn(stage.workshop, stage.app, ORDER, effects).catch(() => undefined)
  return seen >= at
}

test('a process that dies anywhere leaves nothing down once its restore is finished or taken back', async (t) => {
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; ; at += 1) {
      const stage = await stageFor(t)
      if (!(await dieAt(stage, at, when))) break
      const context = stage.workshop.context()
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
