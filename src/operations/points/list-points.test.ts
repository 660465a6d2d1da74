import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newWorkshop, textComponent } from '../testing/workshop.ts'
import { listPoints } from './list-points.ts'

test('a proof that failed in one repository is not hidden by what passed in another', async (t) => {
  for (const [failing, passing] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const workshop = await newWorkshop({ storages: [memoryStorage(), memoryStorage()] })
    t.after(() => workshop.close())
    const app = workshop.app([textComponent(new TextPlace('database', 'rows'))])
    const { point } = await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
    const prove = async (index: number, ok: boolean): Promise<unknown> =>
      (await workshop.repository(index)).prove(point, 'drill', { ok, facts: {} }, workshop.context())
    await prove(failing, false)
    await prove(passing, true)
    const [summary] = (await listPoints([app], workshop.context())).points
    assert.equal(summary?.truth, 'restored')
    assert.match(summary.failedProof ?? '', new RegExp(`^drill of .* failed in repository-${failing}$`))
    assert.deepEqual(summary.repositories, ['repository-0', 'repository-1'])
  }
})
