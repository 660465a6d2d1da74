import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, pair, textComponent } from '../testing/workshop.ts'
import { executeRestore } from './execute.ts'
import { planRestore } from './plan.ts'
import { openTargets } from './targets.ts'

const restored = ['database', 'files'] as const

for (const [chosen, missing] of [
  [undefined, ['files']],
  [['database'], []],
] as const) {
  test(`a restore of ${chosen?.join() ?? 'all'} of a point without files lacks ${missing.join() || 'nothing'}`, async (t) => {
    const workshop = await newWorkshop()
    t.after(() => workshop.close())
    const [database, files] = restored.map((name) => new TextPlace(name, 'before'))
    assert.ok(database !== undefined && files !== undefined)
    files.live = undefined
    const app = workshop.app([database, files].map(textComponent))
    const context = workshop.context()
    const { point } = await runBackup(app, await planBackup(app, context), context)
    const reader = await (await workshop.repository()).open(point, [pair], context)
    const options = { mode: 'swap', restoreId: 'abcdef01', scratchFolder: '', components: chosen } as const
    const targets = await openTargets(app, reader, options, context)
    const request = {
      restoreId: 'abcdef01',
      mode: 'swap',
      repository: 'repository-0',
      safetyPoint: false,
      chosen,
    } as const
    const plan = await planRestore(reader, targets, request, context, app)
    const report = await executeRestore(app, reader, targets, plan, context)
    assert.deepEqual([report.outcome, report.missing], ['done', missing])
  })
}
