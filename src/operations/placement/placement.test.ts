import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { FailureDomain } from '../../core/safety/lost-together.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { executeCheck } from '../check/check.ts'
import { SAFETY_REMARK } from '../points/safety-remark.ts'
import { readStatus } from '../status/status.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { findSecondInstallation } from './find-second-installation.ts'

const here: FailureDomain = { disk: '1', host: 'this host' }

async function stageFor(t: TestContext): Promise<{ readonly testHost: TestHost; readonly app: App }> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const component = textComponent(new TextPlace('database', 'rows'))
  const driver = { ...component.driver, place: () => Promise.resolve(here) }
  const app = testHost.app([{ ...component, driver }])
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return { testHost, app }
}

async function saidOf(testHost: TestHost, app: App): Promise<string> {
  const check = await executeCheck([app], testHost.context())
  const status = await readStatus([app], testHost.context())
  const warnings = check.apps.flatMap(({ findings }) => findings).filter(({ level }) => level === 'warning')
  const reasons = status.apps.flatMap(({ reasons }) => reasons).filter(({ level }) => level === 'warning')
  assert.deepEqual(
    warnings.map(({ message }) => message),
    reasons.map(({ message }) => message),
    'check and status say the same',
  )
  return reasons.map(({ code, message }) => `${code}: ${message}`).join()
}

const lying = (app: App, place: FailureDomain): App => ({
  ...app,
  repositories: app.repositories.map((target) => ({ ...target, place: () => Promise.resolve(place) })),
})

test('check and status warn of copies that are lost with the app, unless one is named with a reason', async (t) => {
  const { testHost, app } = await stageFor(t)
  const together = lying(app, here)
  assert.match(await saidOf(testHost, together), /^lost-together: component database and all repositories .* one disk/)
  const accepted = { ...together, lostTogether: [{ repository: 'repository-0', reason: 'it is mirrored' }] }
  assert.equal(await saidOf(testHost, accepted), '')
  assert.equal(await saidOf(testHost, lying(app, {})), '')
  assert.equal(await saidOf(testHost, app), '', 'nobody knows where')
})

/** Points of these writers, an hour apart, the last of them now. */
async function pointsBy(
  t: TestContext,
  writers: readonly (readonly [signer: string, server?: string, remark?: string])[],
): Promise<CatalogPoint[]> {
  const { testHost } = await stageFor(t)
  const [point] = (await (await testHost.repository()).catalog(testHost.context())).points
  assert.ok(point !== undefined)
  return writers.map(([signer, server, remark], index) => {
    const created = new Date(Date.now() - (writers.length - index) * 3_600_000).toISOString()
    const servers = server === undefined ? [] : [{ component: 'database', server, timeline: 1, position: null }]
    const remarks = remark === undefined ? [] : [remark]
    return { ...point, signer, commit: { ...point.commit, created, servers, remarks } }
  })
}

const portal = { name: 'portal', intervalMilliseconds: 3_600_000 }

test('two installations that back up one app in turns are named', async (t) => {
  const now = Date.now()
  const turns = await pointsBy(t, [['a'], ['b'], ['a']])
  assert.match(findSecondInstallation(portal, turns, now) ?? '', /one signs as b/)
  const servers = await pointsBy(t, [
    ['a', 's1'],
    ['a', 's2'],
    ['a', 's1'],
  ])
  assert.match(findSecondInstallation(portal, servers, now) ?? '', /component database is backed up from two servers/)
})

test('check and status warn of a second installation', async (t) => {
  const { testHost, app } = await stageFor(t)
  const turns = await pointsBy(t, [['a'], ['b'], ['a']])
  const repositories = app.repositories.map((target) => ({
    ...target,
    async open(context: OperationContext) {
      const repository = await target.open(context)
      return { ...repository, catalog: async () => ({ ...(await repository.catalog(context)), points: turns }) }
    },
  }))
  const context = testHost.context()
  const { apps } = await readStatus([{ ...app, repositories }], context)
  assert.match(JSON.stringify(apps[0]?.reasons), /"second-installation","level":"warning"[^}]*one signs as b/)
  const check = await executeCheck([{ ...app, repositories }], context)
  assert.match(JSON.stringify(check.repositories), /"level":"warning"[^}]*one signs as b/)
})

test('a successor, a safety point, another app and old turns are no second installation', async (t) => {
  const now = Date.now()
  const successor = await pointsBy(t, [
    ['a', 's1'],
    ['a', 's1'],
    ['b', 's2'],
    ['b', 's2'],
  ])
  assert.equal(findSecondInstallation(portal, successor, now), undefined)
  const safety = await pointsBy(t, [['a'], ['b', 's', SAFETY_REMARK], ['a']])
  assert.equal(findSecondInstallation(portal, safety, now), undefined)
  const turns = await pointsBy(t, [['a'], ['b'], ['a']])
  assert.equal(findSecondInstallation({ ...portal, name: 'other' }, turns, now), undefined)
  assert.equal(findSecondInstallation(portal, turns, now + 20 * 3_600_000), undefined)
})
