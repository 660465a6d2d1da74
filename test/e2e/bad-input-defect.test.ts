import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, changesNothing, expectFailure, restoreWhole } from './expect.ts'
import { startReadyLab } from './lab.ts'
import { addBigTable, copying } from './watch.ts'

/** A defect of Holdfast's own, planted into the running program: an error that nobody listens for. */
const lab = await startReadyLab()
await addBigTable(lab)
const point = await backUp(lab)
const [defect, now] = [join(lab.folder, 'defect.mjs'), join(lab.folder, 'now')]
await writeFile(
  defect,
  `import { existsSync } from 'node:fs'
  setInterval(() => { if (existsSync(${JSON.stringify(now)})) throw new Error('nobody listens') }, 10).unref()`,
)

test('a defect ends with 70 and a document, and leaves what a process that was killed would', async () => {
  await lab.sql('delete from sessions')
  const args = ['restore', '--at', point, '--yes', '--no-safety-point', '--json']
  const restore = lab.startWith({ NODE_OPTIONS: `--import=${defect}` }, ...args)
  await copying(lab, 'portal\\_\\_%')
  await writeFile(now, '')
  const { code, out, error } = await restore.ended
  assert.equal(code, 70, out + error)
  const document = JSON.parse(out) as { error: { kind: string; message: string; hint: string } }
  assert.equal(document.error.kind, 'bug')
  assert.equal(document.error.message, 'ended by an error that nobody expected: nobody listens')
  assert.match(document.error.hint, /report it.* Run it again/)
  await changesNothing(lab, () => lab.run('points'))
  assert.equal((await lab.sql('select count(*)::int as n from sessions'))[0]?.['n'], 0)
  const begun = { code: 13, kind: 'refused', message: /is unfinished: it stopped while loading/ }
  // What it says is what works: there is nothing to go forward with yet.
  const hint = /^Run holdfast restore portal --abandon, then restore again\. The live data is as before\.$/
  await expectFailure(lab, ['restore', 'portal', '--yes'], { ...begun, hint })
  assert.equal((await lab.run('restore', 'portal', '--abandon')).code, 0)
  await restoreWhole(lab, point)
  assert.equal((await lab.sql('select count(*)::int as n from sessions'))[0]?.['n'], 2000)
})
