import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backUp, listed } from './expect.ts'
import type { Ran } from './holdfast.ts'
import { withClock } from './in-process.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'

/** Clocks that are wrong or jump: nothing is removed, and the order of points stays the order in which they were made. */
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const base = await startReadyLab()
await base.edit(({ apps }) => (apps['portal']!.retention = { last: 1, minimum: 1 }))
await backUp(base)
const point = await backUp(base)

async function pruneWithheld(lab: Lab, ran: Ran, reason: RegExp): Promise<void> {
  assert.equal(ran.code, 13, ran.out + ran.error)
  const { reports } = JSON.parse(ran.out) as {
    reports: { removed: string[]; withheld: string[]; swept: { removedBlobs: number } }[]
  }
  assert.deepEqual([reports[0]?.removed, reports[0]?.swept.removedBlobs], [[], 0])
  assert.match(reports[0]?.withheld.join('; ') ?? '', reason)
  assert.ok((await listed(lab)).points.length >= 2)
}

async function hashOf(lab: Lab, milliseconds: number): Promise<string> {
  const { out } = await withClock(lab, milliseconds, 'prune', '--dry-run', '--json')
  return (JSON.parse(out) as { plans: { plan: { hash: string } }[] }).plans[0]?.plan.hash ?? ''
}

test('with the right clock the older point would go, so that what follows can fail', async () => {
  const lab = await forkLab(base)
  const ran = await withClock(lab, 0, 'prune', '--accept', `prune-${await hashOf(lab, 0)}`, '--json')
  assert.equal(ran.code, 0, ran.out + ran.error)
  assert.deepEqual(
    (await listed(lab)).points.map((one) => one.point),
    [point],
  )
})

for (const [name, milliseconds] of [
  ['ahead', 10 * MINUTE],
  ['behind', -10 * MINUTE],
  ['a year ahead', 365 * DAY],
  ['at the beginning of time', -50 * 365 * DAY],
] as const) {
  test(`with a clock ${name} prune refuses and removes nothing, approved or not`, async () => {
    const lab = await forkLab(base)
    await pruneWithheld(
      lab,
      await withClock(lab, milliseconds, 'prune', '--json'),
      /the clocks of this machine and the storage differ by/,
    )
    await pruneWithheld(
      lab,
      await withClock(lab, milliseconds, 'prune', '--accept', `prune-${await hashOf(lab, milliseconds)}`, '--json'),
      /clocks/,
    )
    const check = await withClock(lab, milliseconds, 'check', '--json')
    assert.match(check.out, /"warning","subject":"clocks"/)
  })
}

test('a point that was made while the clock was ahead keeps prune from running once the clock is right', async () => {
  const lab = await forkLab(base)
  const ran = await withClock(lab, 2 * DAY, 'backup', '--json')
  assert.equal(ran.code, 0, ran.out + ran.error)
  const { report } = JSON.parse(ran.out) as { report: { point: string } }
  await pruneWithheld(lab, await lab.run('prune', '--json'), new RegExp(`point ${report.point} is dated in the future`))
})

test('points are ordered by when they were made, whatever their dates say', async () => {
  const lab = await forkLab(base)
  const ran = await withClock(lab, -30 * DAY, 'backup', '--json')
  assert.equal(ran.code, 0, ran.out + ran.error)
  const { report } = JSON.parse(ran.out) as { report: { point: string } }
  const { summary } = await lab.json<{ summary: { point: string; sequence: number } }>(['show', 'latest'])
  assert.deepEqual([summary.point, summary.sequence], [report.point, 3])
  const pruned = await lab.run('prune', '--accept', `prune-${await hashOf(lab, 0)}`, '--json')
  assert.ok(pruned.code === 0 || pruned.code === 13, pruned.out)
  const left = (await listed(lab)).points.map((one) => one.point)
  assert.ok(left.includes(report.point), 'the newest is never removed')
})
