import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newFingerprintKey } from '../../repository/fingerprint-key.ts'
import { planBackup } from '../backup/plan.ts'
import { loadLastBackup, runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent } from '../testing/test-host.ts'
import { lookForChanges } from './look.ts'

test('that a point cannot be noted makes no failure of it, and the change is a change still', async (t) => {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('keys', 'one'))])
  const key = newFingerprintKey()
  const context = { ...testHost.context(), fingerprintKey: () => Promise.resolve(key) }
  await lookForChanges(app, false, context)
  const changes = await lookForChanges(app, false, context)
  let saved = 0
  const save = (name: string, value: unknown): Promise<void> =>
    // The first is that a point is begun.
    name.startsWith('changes-') && (saved += 1) > 1
      ? Promise.reject(new Error('no space left on device'))
      : context.records.save(name, value)
  const full = { ...context, records: { ...context.records, save } }
  const report = await runBackup(app, await planBackup(app, full, { changes }), full)
  assert.deepEqual([report.outcome, report.note], ['done', 'changed: keys'])
  assert.equal((await loadLastBackup(app, context))?.outcome, 'done')
  assert.equal((await lookForChanges(app, false, context)).verdict, 'waits')
})
