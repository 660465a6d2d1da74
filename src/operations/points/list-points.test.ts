import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent } from '../testing/test-host.ts'
import { listPoints } from './list-points.ts'

test('a proof that failed in one repository is not hidden by what passed in another', async (t) => {
  for (const [failing, passing] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const testHost = await newTestHost({ storages: [memoryStorage(), memoryStorage()] })
    t.after(() => testHost.close())
    const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
    const { point } = await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
    const prove = async (index: number, ok: boolean): Promise<unknown> =>
      (await testHost.repository(index)).prove(point, 'drill', { ok, facts: {} }, testHost.context())
    await prove(failing, false)
    await prove(passing, true)
    const [summary] = (await listPoints([app], testHost.context())).points
    assert.equal(summary?.truth, 'restored')
    assert.match(summary.failedProof ?? '', new RegExp(`^drill of .* failed in repository-${failing}$`))
    assert.deepEqual(summary.repositories, ['repository-0', 'repository-1'])
  }
})
