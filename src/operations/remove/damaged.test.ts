import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { planRemove, type RemoveRequest } from './plan.ts'
import { runRemove } from './run.ts'

interface Stage {
  readonly testHost: TestHost
  readonly app: App
  readonly older: string
  readonly newest: string
}

/** Two points; of the newest the data is gone and the commit is whole. */
async function stageFor(t: TestContext): Promise<Stage> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  const context = testHost.context()
  const [older, newest] = [
    (await runBackup(app, await planBackup(app, context), context)).point,
    (await runBackup(app, await planBackup(app, context), context)).point,
  ]
  await testHost.storages[0]?.remove(`data/${newest}/000001`, context.signal)
  return { testHost, app, older, newest }
}

const asked = (id: string, ...accepted: readonly string[]): RemoveRequest => ({ id, now: false, accepted })

test('a point that lost its data protects no other from being removed, and is not protected as a good one', async (t) => {
  const { testHost, app, older, newest } = await stageFor(t)
  await assert.rejects(planRemove([app], asked(older), testHost.context()), { message: /newest good one/ })
  const plan = await planRemove([app], asked(newest), testHost.context())
  assert.deepEqual(plan.repositories, [{ name: 'repository-0', state: 'listed' }])
})

test('a held point stays held although its data is gone', async (t) => {
  const { testHost, app, newest } = await stageFor(t)
  await (await testHost.repository()).prove(newest, 'hold', { ok: true, facts: {} }, testHost.context())
  await assert.rejects(planRemove([app], asked(newest, `damaged-${newest}`), testHost.context()), {
    message: /it is held/,
    hint: /holdfast release/,
  })
})

test('one whose commit can be read is removed like any other, for its time of grace', async (t) => {
  const { testHost, app, newest } = await stageFor(t)
  const request = asked(newest)
  const plan = await planRemove([app], request, testHost.context())
  const { repositories } = await runRemove([app], plan, testHost.context())
  assert.notEqual(repositories[0]?.until, null)
  const repository = await testHost.repository()
  const { damaged, removed } = await repository.catalog(testHost.context())
  assert.deepEqual([damaged, removed.map(({ point }) => point)], [[], [newest]])
  await assert.rejects(repository.undelete(newest, testHost.context()), { kind: 'refused', hint: /from a copy/ })
})
