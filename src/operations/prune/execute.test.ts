import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Repository } from '../../repository/repository.ts'
import type { App, AppRepository } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { executePrune, planPruneOf, type PruneReport } from './execute.ts'
import { forgetExpired } from './forget-expired.ts'

interface Stage {
  readonly testHost: TestHost
  readonly app: App
  readonly points: readonly string[]
}

/** Five points, of which two stay. */
async function stageFor(t: TestContext): Promise<Stage> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  const points: string[] = []
  for (let index = 0; index < 5; index += 1) {
    testHost.clock.passHours(1)
    points.push((await runBackup(app, await planBackup(app, testHost.context()), testHost.context())).point)
  }
  return { testHost, app, points }
}

async function listed({ testHost }: Stage): Promise<string[]> {
  return (await (await testHost.repository()).catalog(testHost.context())).points.map(({ point }) => point)
}

async function approvalNow({ testHost, app }: Stage): Promise<readonly string[]> {
  return (await planPruneOf(app, await testHost.repository(), testHost.context())).accept
}

/** Prunes; `between` runs after the first removal, as another process would. */
async function prune(
  { testHost, app }: Stage,
  accepted: readonly string[],
  between?: (repository: Repository) => Promise<unknown>,
): Promise<PruneReport> {
  const repository = await testHost.repository()
  let removals = 0
  const watched: Repository = {
    ...repository,
    async remove(point, reason, context) {
      const tombstone = await repository.remove(point, reason, context)
      removals += 1
      if (removals === 1) await between?.(repository)
      return tombstone
    },
  }
  const target: AppRepository = {
    name: 'repository-0',
    location: 'memory:',
    recipients: [],
    open: () => Promise.resolve(watched),
  }
  return executePrune(app, target, accepted, testHost.context())
}

test('a plan that needs approval removes nothing without it, and nothing with the approval of another plan', async (t) => {
  const stage = await stageFor(t)
  for (const accepted of [[], [`prune-${'f'.repeat(64)}`], ['prune-']]) {
    const report = await prune(stage, accepted)
    assert.deepEqual(report.removed, [])
    assert.ok(report.withheld.length > 0)
  }
  assert.deepEqual(await listed(stage), stage.points)
})

test('an approved plan removes what it said, oldest first', async (t) => {
  const stage = await stageFor(t)
  const report = await prune(stage, await approvalNow(stage))
  assert.deepEqual(report.removed, stage.points.slice(0, 3))
  assert.deepEqual(await listed(stage), stage.points.slice(3))
})

test('an approval is for the points it was given for', async (t) => {
  const stage = await stageFor(t)
  const approval = await approvalNow(stage)
  await runBackup(stage.app, await planBackup(stage.app, stage.testHost.context()), stage.testHost.context())
  const report = await prune(stage, approval)
  assert.deepEqual(report.removed, [])
  assert.equal((await listed(stage)).length, 6)
})

const changes: Readonly<Record<string, (stage: Stage, repository: Repository) => Promise<unknown>>> = {
  'a drill fails': ({ testHost, points }, repository) =>
    repository.prove(points[4] ?? '', 'drill', { ok: false, facts: {} }, testHost.context()),
  'a point that would go is held': ({ testHost, points }, repository) =>
    repository.prove(points[2] ?? '', 'hold', { ok: true, facts: {} }, testHost.context()),
  'a commit is damaged': async ({ testHost, points }) => {
    const { signal } = new AbortController()
    await testHost.storages[0]?.remove(`points/${points[3]}.json`, signal)
    await testHost.storages[0]?.put(`points/${points[3]}.json`, Buffer.from('{}'), signal)
  },
}

for (const [name, change] of Object.entries(changes)) {
  test(`a prune stops when ${name} while it runs`, async (t) => {
    const stage = await stageFor(t)
    await assert.rejects(
      prune(stage, await approvalNow(stage), (repository) => change(stage, repository)),
      { kind: 'refused', message: /the repository changed while it ran/ },
    )
    const { removed } = await (await stage.testHost.repository()).catalog(stage.testHost.context())
    assert.deepEqual(
      removed.map(({ point }) => point),
      stage.points.slice(0, 1),
    )
  })
}

test('while a prune holds its lease, another one does not start', async (t) => {
  const stage = await stageFor(t)
  const lease = await (await stage.testHost.repository()).lease('prune', stage.testHost.context())
  await assert.rejects(prune(stage, await approvalNow(stage)), { kind: 'locked' })
  await lease.release()
  assert.deepEqual(await listed(stage), stage.points)
})

test('what is retained for undo goes when its time is over, and one component that fails does not keep the others', async (t) => {
  const { testHost } = await stageFor(t)
  const [old, broken] = [new TextPlace('old', 'rows'), new TextPlace('broken', 'rows')]
  old.previous = { id: 'abcdef01', text: 'before' }
  broken.undone = { id: 'abcdef01', text: 'after' }
  broken.faults.set('forget', new Error('it broke'))
  const forgotten = await forgetExpired(testHost.app([broken, old].map(textComponent)), testHost.context())
  assert.deepEqual(
    forgotten.map(({ component, failure }) => [component, failure]),
    [
      ['broken', 'it broke'],
      ['old', undefined],
    ],
  )
  assert.equal(old.previous, undefined)
})
