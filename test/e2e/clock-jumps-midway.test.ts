import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { jumpingClock } from '../parts/faketime.ts'
import { backUp, listed } from './expect.ts'
import { forkLab, startReadyLab } from './lab.ts'
import { readLive } from './live.ts'
import { addBigTable, copying } from './watch.ts'

/** The wall clock of the machine is set while an operation runs. Limits and durations go by another clock. */
const base = await startReadyLab()
await addBigTable(base)
const point = await backUp(base)
const captured = await readLive(base)

interface Report {
  readonly report: { readonly outcome: string; readonly point: string; readonly durationMilliseconds: number }
}

for (const [name, shift] of [
  ['a year ahead', '+365d'],
  ['a year back', '-365d'],
] as const) {
  test(`a clock that is set ${name} in the middle of a backup harms neither it nor what is there`, async () => {
    const lab = await forkLab(base)
    const clock = await jumpingClock(join(lab.folder, 'clock'))
    const running = lab.startWith(clock.environment, 'backup', '--json')
    await copying(lab, 'portal')
    await clock.jump(shift)
    const ran = await running.ended
    assert.equal(ran.code, 0, ran.out + ran.error)
    const { report } = JSON.parse(ran.out) as Report
    assert.ok(report.durationMilliseconds > 0 && report.durationMilliseconds < 600_000, ran.out)
    assert.equal((await lab.run('verify', report.point)).code, 0)
    assert.equal((await listed(lab)).points.length, 2)
    const { summary } = await lab.json<{ summary: { point: string } }>(['show', 'latest'])
    assert.equal(summary.point, report.point)
  })

  test(`a clock that is set ${name} in the middle of a restore leaves the captured data, and it can be undone`, async () => {
    const lab = await forkLab(base)
    await lab.sql('delete from sessions')
    const changed = await readLive(lab)
    const clock = await jumpingClock(join(lab.folder, 'clock'))
    const args = ['restore', '--at', point, '--yes', '--no-safety-point', '--json']
    const running = lab.startWith(clock.environment, ...args)
    await copying(lab, 'portal\\_\\_r\\_%')
    await clock.jump(shift)
    const ran = await running.ended
    assert.equal(ran.code, 0, ran.out + ran.error)
    assert.deepEqual((await readLive(lab)).database, captured.database)
    await lab.json(['undo', '--yes'])
    assert.deepEqual((await readLive(lab)).database, changed.database)
    for (const other of (await readLive(lab)).otherDatabases) await lab.postgres.dropDatabase(other)
  })
}
