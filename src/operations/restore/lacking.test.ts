import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent } from '../testing/test-host.ts'
import { orderOf, planRestore } from './plan.ts'
import { runRestore } from './run.ts'

const restored = ['database', 'files'] as const

for (const [chosen, missing] of [
  [undefined, ['files']],
  [['database'], []],
] as const) {
  test(`a restore of ${chosen?.join() ?? 'all'} of a point without files lacks ${missing.join() || 'nothing'}`, async (t) => {
    const testHost = await newTestHost()
    t.after(() => testHost.close())
    const [database, files] = restored.map((name) => new TextPlace(name, 'before'))
    assert.ok(database !== undefined && files !== undefined)
    files.live = undefined
    const app = testHost.app([database, files].map(textComponent))
    const context = testHost.context()
    const { point } = await runBackup(app, await planBackup(app, context), context)
    const plan = await planRestore(app, { at: point, components: chosen, safetyPoint: false }, context)
    const { report } = await runRestore(app, orderOf(plan), context)
    assert.deepEqual(plan.missing, missing)
    assert.deepEqual([report.outcome, report.missing], ['done', missing])
  })
}
