import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, changesNothing, listed, restoreWhole } from './expect.ts'
import type { Ran } from './holdfast.ts'
import { forkLab, startReadyLab } from './lab.ts'
import { readLive } from './live.ts'
import { addBigTable, copying, dataOf, until } from './watch.ts'

/** Ctrl-C: the process says 130, and nothing of what it had begun is left. */
const lab = await startReadyLab()
await addBigTable(lab)
const point = await backUp(lab)
const original = await readLive(lab)

function assertCancelled({ code, out, error }: Ran): void {
  assert.equal(code, 130, out + error)
  assert.equal((JSON.parse(out) as { error: { kind: string } }).error.kind, 'cancelled')
  assert.doesNotMatch(error, /\n {4}at /)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} during a backup leaves no point and no data`, async () => {
    const filesFirst = await forkLab(lab)
    // The files are stored by the time the database is read, so that there is something to take away.
    await filesFirst.edit(({ apps }) => {
      const { database, files } = apps['portal']!.components
      apps['portal']!.components = { files: files!, database: database! }
    })
    const before = await dataOf(filesFirst)
    await changesNothing(filesFirst, async () => {
      const backup = filesFirst.start('backup', '--json')
      await copying(lab, 'portal')
      assert.ok((await dataOf(filesFirst)).length > before.length)
      backup.interrupt(signal)
      assertCancelled(await backup.ended)
    })
    assert.deepEqual(await dataOf(filesFirst), before)
  })
}

test('SIGINT during the load of a restore removes the side database, and the restore can be run again', async () => {
  await lab.sql('delete from sessions')
  const files = async (): Promise<readonly string[]> => (await readdir(lab.folder)).toSorted()
  const beside = await files()
  await changesNothing(lab, async () => {
    const restore = lab.start('restore', '--at', point, '--yes', '--no-safety-point', '--json')
    await copying(lab, 'portal\\_\\_%')
    restore.interrupt('SIGINT')
    assertCancelled(await restore.ended)
  })
  assert.deepEqual(await files(), beside, 'no folder is left beside')
  await restoreWhole(lab, point)
  assert.deepEqual((await readLive(lab)).database, original.database)
  assert.deepEqual((await readLive(lab)).files, original.files)
})

test('SIGINT during a drill leaves no server, no folder and no proof', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  // Where the drill runs as root, its server is another user's.
  await chmod(folder, 0o711)
  await changesNothing(lab, async () => {
    const drill = lab.startWith({ TMPDIR: folder }, 'drill', '--json')
    await until('a server of the drill', async () => ((await serversIn(folder)).length > 0 ? true : undefined))
    drill.interrupt('SIGINT')
    assertCancelled(await drill.ended)
  })
  assert.deepEqual([await serversIn(folder), await readdir(folder)], [[], []])
  assert.equal((await listed(lab)).points.at(-1)?.truth, 'read back')
})

/** The running servers whose data is under a folder. */
async function serversIn(folder: string): Promise<readonly string[]> {
  const commands = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return commands.filter((command) => command.includes(folder) && /postgres\0/.test(command))
}

const SOAK = process.env['HOLDFAST_SOAK'] === '1'
/** Commands, and what they tell when they are where Ctrl-C has been taken for a server that cannot be reached. */
const stages: readonly (readonly [args: readonly string[], told: RegExp])[] = [
  [['restore', '--at', point, '--yes', '--no-safety-point'], /^compare: database/m],
  [['restore', '--at', point, '--yes', '--target', 'in-place'], /^safety point/m],
  [['drill', '--at', point, '--staged'], /^load: database/m],
  [['backup'], /^dump/m],
  [['check'], /^check/m],
  [['export', point, '--output', join(lab.folder, 'stopped.dump')], /^load/m],
]
/** Of `npm run soak`: stages of which another test here has the like. */
const moreStages: typeof stages = [
  [['restore', '--at', point, '--yes', '--no-safety-point'], /^authenticate/m],
  [['restore', '--at', point, '--yes', '--no-safety-point'], /^load: database/m],
  [['drill', '--at', point], /^compare: database/m],
]

for (const [args, told] of SOAK ? [...stages, ...moreStages] : stages) {
  test(`SIGINT to ${args[0]} once it says ${told.source} ends with 130`, async () => {
    await changesNothing(lab, async () => {
      const run = lab.start(...args, '--json')
      await until(String(told), () => Promise.resolve(told.test(run.told()) ? true : undefined))
      run.interrupt('SIGINT')
      assertCancelled(await run.ended)
    })
    const { points } = await listed(lab)
    assert.ok(points.every(({ truth }) => truth === 'read back' || truth === 'restored'))
    assert.equal((await lab.run('restore', '--abandon')).code, 10, 'no restore is left unfinished')
  })
}

test('the second Ctrl-C ends at once, and the next backup is good all the same', async () => {
  const backup = lab.start('backup', '--json')
  await copying(lab, 'portal')
  backup.kill('SIGINT')
  backup.kill('SIGINT')
  assert.equal((await backup.ended).code, 130)
  const { report } = await lab.json<{ report: { outcome: string } }>(['backup'])
  assert.equal(report.outcome, 'done')
})
