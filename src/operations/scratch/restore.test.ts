import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Target } from '../../components/target.ts'
import { isFailure } from '../../core/failure.ts'
import type { App, AppComponent } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, pair, textComponent, type Workshop } from '../testing/workshop.ts'
import { executeScratch, planScratch, type PlannedScratch } from './restore.ts'

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

async function plan(workshop: Workshop, app: App, components?: readonly string[]): Promise<PlannedScratch> {
  const reader = await (await workshop.repository()).open(POINT, [pair], workshop.context())
  return await planScratch(app, reader, { repository: 'repository-0', components }, workshop.context())
}

test('what cannot be left running is left out, and the plan says so', async (t) => {
  const [workshop, app] = await backedUp(t, [
    leavable(new TextPlace('database', 'rows')),
    textComponent(new TextPlace('keys', 'a key')),
  ])
  const planned = await plan(workshop, app)
  assert.deepEqual(planned.plan.leftOut, ['keys'])
  assert.deepEqual(
    planned.plan.components.map(({ name }) => name),
    ['database'],
  )
  const reader = await (await workshop.repository()).open(POINT, [pair], workshop.context())
  const { report, scratch } = await executeScratch(app, reader, planned, workshop.context())
  assert.equal(report.outcome, 'done')
  assert.deepEqual(
    scratch.places.map(({ component }) => component),
    ['database'],
  )
  const whole = await plan(workshop, app, ['database'])
  assert.equal(whole.plan.leftOut, undefined)
  await whole.folder.remove()
  await planned.folder.remove()
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
