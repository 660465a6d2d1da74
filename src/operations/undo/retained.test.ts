import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enterStage, type RestoreJournal } from '../restore/journal.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent } from '../testing/test-host.ts'
import { forgetRetained, listRetained } from './retained.ts'
import { plannedJournal } from '../testing/planned-journal.ts'

const RESTORE = 'abcdef01'
const journal: RestoreJournal = { ...plannedJournal, restoreId: RESTORE }

test('what is retained for undo is listed and removed by its restore, and never while that is unfinished', async (t) => {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const place = new TextPlace('database', 'rows')
  place.previous = { id: RESTORE, text: 'before' }
  place.undone = { id: '00000002', text: 'other' }
  const [app, context] = [testHost.app([textComponent(place)]), testHost.context()]
  const kept = await listRetained(app, context)
  assert.deepEqual(
    new Set(kept.map(({ restoreId, component, bytes }) => `${restoreId} ${component} ${bytes}`)),
    new Set(['00000002 database 5', `${RESTORE} database 6`]),
  )
  await assert.rejects(forgetRetained(app, '00000003', context), { kind: 'notFound' })
  await enterStage(journal, 'swapping', context.records, context.clock)
  await assert.rejects(forgetRetained(app, RESTORE, context), { kind: 'refused', hint: /--continue/ })
  await enterStage(journal, 'done', context.records, context.clock)
  await forgetRetained(app, RESTORE, context)
  assert.deepEqual([place.previous, place.undone?.text, place.live], [undefined, 'other', 'rows'])
})
