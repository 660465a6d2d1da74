import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Target } from '../../components/target.ts'
import { isFailure } from '../../core/failure.ts'
import type { App, AppComponent } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { orderOf, planRestore, type RestorePlan } from '../restore/plan.ts'
import { runRestore } from '../restore/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, textComponent, type Workshop } from '../testing/workshop.ts'

const POINT = '1'.padStart(32, '0')

/** A component of a kind whose copies can be left running. */
function leavable(place: TextPlace): AppComponent {
  const component = textComponent(place)
  const open: AppComponent['driver']['open'] = async (settings, request, context) => {
    const target: Target = await component.driver.open(settings, request, context)
    return Object.assign(target, { copy: { leave: () => Promise.resolve({ folder: `copy of ${place.name}` }) } })
  }
  return { ...component, driver: { ...component.driver, open } }
}

async function backedUp(t: TestContext, components: readonly AppComponent[]): Promise<[Workshop, App]> {
  const workshop = await newWorkshop()
  t.after(() => workshop.close())
  const app = workshop.app(components)
  await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
  return [workshop, app]
}

async function plan(workshop: Workshop, app: App, components?: readonly string[]): Promise<RestorePlan> {
  return await planRestore(app, { at: POINT, mode: 'scratch', components }, workshop.context())
}

test('what cannot be left running is left out, and the plan says so', async (t) => {
  const [workshop, app] = await backedUp(t, [
    leavable(new TextPlace('database', 'rows')),
    textComponent(new TextPlace('keys', 'a key')),
  ])
  const planned = await plan(workshop, app)
  assert.deepEqual(planned.leftOut, ['keys'])
  assert.deepEqual(
    planned.components.map(({ name }) => name),
    ['database'],
  )
  const { report, left } = await runRestore(app, orderOf(planned), workshop.context())
  assert.equal(report.outcome, 'done')
  assert.deepEqual(
    left?.scratch.places.map(({ component }) => component),
    ['database'],
  )
  assert.equal((await plan(workshop, app, ['database'])).leftOut, undefined)
})

test('one that is asked for by its name, or that is all there is, is refused', async (t) => {
  const [workshop, app] = await backedUp(t, [
    leavable(new TextPlace('database', 'rows')),
    textComponent(new TextPlace('keys', 'a key')),
  ])
  const refused = (error: unknown): boolean =>
    isFailure(error, 'unsupported') && error.message.includes('component keys')
  await assert.rejects(plan(workshop, app, ['keys']), refused)
  await assert.rejects(plan(workshop, app, ['database', 'keys']), refused)
  const [alone, onlyKeys] = await backedUp(t, [textComponent(new TextPlace('keys', 'a key'))])
  await assert.rejects(plan(alone, onlyKeys), refused)
})
