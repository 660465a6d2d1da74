import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { RestoreTarget } from '../../components/target.ts'
import { isFailure } from '../../core/failure.ts'
import type { App, AppComponent } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { orderOf, planRestore, type RestorePlan } from '../restore/plan.ts'
import { runRestore } from '../restore/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'

const POINT = '1'.padStart(32, '0')

/** A component of a kind whose copies can be left running. */
function leavable(place: TextPlace): AppComponent {
  const component = textComponent(place)
  const open: AppComponent['driver']['open'] = async (settings, request, context) => {
    const target: RestoreTarget = await component.driver.open(settings, request, context)
    return Object.assign(target, { copy: { leave: () => Promise.resolve({ folder: `copy of ${place.name}` }) } })
  }
  return { ...component, driver: { ...component.driver, open } }
}

async function backedUp(t: TestContext, components: readonly AppComponent[]): Promise<[TestHost, App]> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app(components)
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return [testHost, app]
}

async function plan(testHost: TestHost, app: App, components?: readonly string[]): Promise<RestorePlan> {
  return await planRestore(app, { at: POINT, mode: 'scratch', components }, testHost.context())
}

test('what cannot be left running is left out, and the plan says so', async (t) => {
  const [testHost, app] = await backedUp(t, [
    leavable(new TextPlace('database', 'rows')),
    textComponent(new TextPlace('keys', 'a key')),
  ])
  const planned = await plan(testHost, app)
  assert.deepEqual(planned.leftOut, ['keys'])
  assert.deepEqual(
    planned.components.map(({ name }) => name),
    ['database'],
  )
  const { report, left } = await runRestore(app, orderOf(planned), testHost.context())
  assert.equal(report.outcome, 'done')
  assert.deepEqual(
    left?.scratch.places.map(({ component }) => component),
    ['database'],
  )
  assert.equal((await plan(testHost, app, ['database'])).leftOut, undefined)
})

test('one that is asked for by its name, or that is all there is, is refused', async (t) => {
  const [testHost, app] = await backedUp(t, [
    leavable(new TextPlace('database', 'rows')),
    textComponent(new TextPlace('keys', 'a key')),
  ])
  const refused = (error: unknown): boolean =>
    isFailure(error, 'unsupported') && error.message.includes('component keys')
  await assert.rejects(plan(testHost, app, ['keys']), refused)
  await assert.rejects(plan(testHost, app, ['database', 'keys']), refused)
  const [alone, onlyKeys] = await backedUp(t, [textComponent(new TextPlace('keys', 'a key'))])
  await assert.rejects(plan(alone, onlyKeys), refused)
})
