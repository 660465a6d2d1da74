import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asking } from './container-app.ts'
import { startKubernetesLab } from './kubernetes-lab.ts'

const lab = await startKubernetesLab()
const limit = { timeout: 600_000 }

const { assertNobodyLeft, assertWriterWrites, keys, must, written } = asking(lab)

/** Never up on unsure data, never down on whole data. */
async function assertWriterRuns(): Promise<void> {
  assert.equal(await lab.replicas(), 2)
  await assertWriterWrites()
}

test('a database in a pod is checked, backed up, drilled, restored and undone by each route', limit, async () => {
  const checked = await must('check')
  assert.match(checked, /by port-forward/)
  assert.doesNotMatch(checked, /were not tried in a throw-away server/)
  assert.match(checked, /a restore stops and starts Deployment\/\S+\/writer/)
  const whole = await keys()
  await must('backup')
  await lab.sql('delete from keys where id > 10')
  const [damaged, before] = [await keys(), await written()]
  const restored = await must('restore', '--yes')
  assert.match(restored, /stopped meanwhile: Deployment/)
  assert.equal(await keys(), whole)
  await assertWriterRuns()
  await lab.change({ reach: { kind: 'kubernetes', selector: 'app=database', route: 'exec-relay' } })
  await must('undo', '--yes')
  assert.equal(await keys(), damaged)
  assert.ok((await written()) > before, 'what was written until the restore is back')
  await assertWriterRuns()
  await must('backup')
  await must('drill')
  await assertNobodyLeft()
  const log = await lab.log()
  assert.match(log, /ready to accept connections/)
  assert.doesNotMatch(log, /terminated by signal|terminating any other|recovery/)
})

test('a drill in a pod of the same image leaves none behind', limit, async () => {
  await lab.change({ throwAwayServer: 'inside' })
  await must('drill')
  const pods = `/api/v1/namespaces/${lab.namespace}/pods?labelSelector=holdfast-throw-away`
  const { items } = (await lab.kubernetes.must('GET', pods)) as { items: unknown[] }
  assert.deepEqual(items, [])
})
