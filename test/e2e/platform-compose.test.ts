import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { asking } from './container-app.ts'
import { startComposeLab } from './compose-lab.ts'
import { editConfig } from './lab.ts'

const lab = await startComposeLab()

const { assertNobodyLeft, assertWriterWrites, keys, must, written } = asking(lab)

/** Never up on unsure data, never down on whole data. */
async function assertWriterRuns(): Promise<void> {
  assert.equal((await lab.project.states())['writer-1'], 'running')
  await assertWriterWrites()
}

test('a database that only containers reach is checked, backed up, drilled, restored and undone', async () => {
  const checked = await must('check')
  assert.match(checked, /exec-relay by bash/)
  assert.doesNotMatch(checked, /were not tried in a throw-away server/)
  assert.match(checked, /a restore stops and starts writer-1/)
  const whole = await keys()
  await must('backup')
  await must('drill')
  await lab.sql('delete from keys where id > 10')
  const [damaged, before] = [await keys(), await written()]
  const restored = await must('restore', '--yes')
  assert.match(restored, /stopped meanwhile: writer-1/)
  assert.equal(await keys(), whole)
  await assertWriterRuns()
  await must('undo', '--yes')
  assert.equal(await keys(), damaged)
  await assertWriterRuns()
  assert.ok((await written()) > before, 'what was written until the restore is back')
  await assertNobodyLeft()
})

test('a hook runs in the container that it names, and is told what for', async () => {
  const where = { kind: 'compose', service: 'database' }
  const command = ['sh', '-c', 'echo "$HOLDFAST_HOOK $HOLDFAST_APP $HOLDFAST_OUTCOME" >>/tmp/hooks']
  const hooks = { beforeCapture: [{ command, where }], afterCapture: [{ command, where }] }
  await editConfig(join(lab.folder, 'holdfast.yaml'), ({ apps }) => Object.assign(apps['portal'] ?? {}, { hooks }))
  await must('backup')
  const told = await lab.project.compose('exec', '-T', 'database', 'cat', '/tmp/hooks')
  assert.equal(told, 'beforeCapture portal \nafterCapture portal done\n')
})

test('a drill in a container of the same image leaves none behind', async () => {
  await lab.change({ throwAwayServer: 'inside' })
  await must('drill')
  const { code, error } = await lab.run('restore', '--target', 'scratch', '--yes')
  assert.notEqual(code, 0)
  assert.match(error, /cannot stay in a container/)
  await assertNobodyLeft()
})
