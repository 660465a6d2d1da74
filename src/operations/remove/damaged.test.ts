import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, textComponent, type Workshop } from '../testing/workshop.ts'
import { planRemove, type RemoveRequest } from './plan.ts'
import { runRemove } from './run.ts'

interface Stage {
  readonly workshop: Workshop
  readonly app: App
  readonly older: string
  readonly newest: string
}

/** Two points; of the newest the data is gone and the commit is whole. */
async function stageFor(t: TestContext): Promise<Stage> {
  const workshop = await newWorkshop()
  t.after(() => workshop.close())
  const app = workshop.app([textComponent(new TextPlace('database', 'rows'))])
  const context = workshop.context()
  const [older, newest] = [
    (await runBackup(app, await planBackup(app, context), context)).point,
    (await runBackup(app, await planBackup(app, context), context)).point,
  ]
  await workshop.storages[0]?.remove(`data/${newest}/000001`, context.signal)
  return { workshop, app, older, newest }
}

const asked = (id: string, ...accepted: readonly string[]): RemoveRequest => ({ id, now: false, accepted })

test('a point that lost its data protects no other from being removed, and is not protected as a good one', async (t) => {
  const { workshop, app, older, newest } = await stageFor(t)
  await assert.rejects(planRemove([app], asked(older), workshop.context()), { message: /newest good one/ })
  const plan = await planRemove([app], asked(newest), workshop.context())
  assert.deepEqual(plan.repositories, [{ name: 'repository-0', state: 'listed' }])
})

test('a held point stays held although its data is gone', async (t) => {
  const { workshop, app, newest } = await stageFor(t)
  await (await workshop.repository()).prove(newest, 'hold', { ok: true, facts: {} }, workshop.context())
  await assert.rejects(planRemove([app], asked(newest, `damaged-${newest}`), workshop.context()), {
    message: /it is held/,
    hint: /holdfast release/,
  })
})

test('one whose commit can be read is removed like any other, for its time of grace', async (t) => {
  const { workshop, app, newest } = await stageFor(t)
  const request = asked(newest)
  const plan = await planRemove([app], request, workshop.context())
  const { repositories } = await runRemove([app], plan, workshop.context())
  assert.notEqual(repositories[0]?.until, null)
  const repository = await workshop.repository()
  const { damaged, removed } = await repository.catalog(workshop.context())
  assert.deepEqual([damaged, removed.map(({ point }) => point)], [[], [newest]])
  await assert.rejects(repository.undelete(newest, workshop.context()), { kind: 'refused', hint: /from a copy/ })
})
