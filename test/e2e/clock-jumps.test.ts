import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { atTime } from '../parts/faketime.ts'
import { backUp, listed } from './expect.ts'
import type { Ran } from './holdfast.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'

/** The real program in a process whose clock somebody has set wrong. Storage and database keep the right time. */
const base = await startReadyLab()
await base.edit(({ apps }) => (apps['portal']!.retention = { last: 1, minimum: 1 }))
await backUp(base)
const newest = await backUp(base)

async function at(lab: Lab, shift: string, ...args: readonly string[]): Promise<Ran> {
  return await lab.runWith(await atTime(shift), ...args, '--json')
}

interface Pruned {
  readonly reports: readonly {
    removed: readonly string[]
    withheld: readonly string[]
    swept: { removedBlobs: number }
  }[]
  readonly forgotten: readonly { readonly failure?: string }[]
}

async function assertWithheld(ran: Ran, reason: RegExp): Promise<Pruned> {
  assert.ok([3, 13].includes(ran.code), ran.out + ran.error)
  const pruned = JSON.parse(ran.out) as Pruned
  assert.deepEqual([pruned.reports[0]?.removed, pruned.reports[0]?.swept.removedBlobs], [[], 0])
  assert.match(pruned.reports[0]?.withheld.join('; ') ?? '', reason)
  return pruned
}

test('the process really lives at another time', async () => {
  const lab = await forkLab(base)
  const ran = await at(lab, '+365d', 'backup')
  assert.equal(ran.code, 0, ran.out + ran.error)
  const { created } = (JSON.parse(ran.out) as { report: { created: string } }).report
  const days = (Date.parse(created) - Date.now()) / 86_400_000
  assert.ok(days > 364 && days < 366, created)
})

test('a backup of next year keeps prune from removing anything this year, and everything is still readable', async () => {
  const lab = await forkLab(base)
  const { report } = JSON.parse((await at(lab, '+365d', 'backup')).out) as { report: { point: string } }
  await assertWithheld(await lab.run('prune', '--json'), /dated in the future/)
  assert.equal((await lab.run('backup', '--json')).code, 0)
  assert.equal((await lab.run('verify', report.point)).code, 0)
  assert.equal((await listed(lab)).points.length, 4)
  // By an id of its own each is found; the newest by its number is what `latest` means, not the one dated last.
  const { points } = await listed(lab)
  const { summary } = await lab.json<{ summary: { sequence: number } }>(['show', 'latest'])
  assert.equal(summary.sequence, Math.max(...points.map(({ sequence }) => sequence)))
})

for (const shift of ['+365d', '-365d', '+20y', '-10d']) {
  test(`a clock at ${shift} removes neither points nor what is retained for undo`, { timeout: 120_000 }, async () => {
    const lab = await forkLab(base)
    const restored = await lab.run('restore', '--at', newest, '--yes', '--no-safety-point', '--json')
    assert.equal(restored.code, 0, restored.out + restored.error)
    const pruned = await assertWithheld(await at(lab, shift, 'prune'), /clocks/)
    assert.match(pruned.forgotten[0]?.failure ?? '', /clocks of this machine and of main differ/)
    assert.equal((await lab.run('undo', '--yes')).code, 0, 'what was kept is gone')
    assert.equal((await lab.run('undo', '--dry-run')).code, 10)
  })
}

test('a backup after the clock went back is the newest all the same', async () => {
  const lab = await forkLab(base)
  const { report } = JSON.parse((await at(lab, '-365d', 'backup')).out) as { report: { point: string } }
  const { summary } = await lab.json<{ summary: { point: string } }>(['show', 'latest'])
  assert.equal(summary.point, report.point)
  const ran = await lab.run('prune', '--json')
  const { reports } = JSON.parse(ran.out) as Pruned
  assert.ok(!(reports[0]?.removed ?? []).includes(report.point))
})

/** Stops a prune while it holds its lease; tries again when it was quicker. */
async function stoppedPrune(lab: Lab): Promise<ReturnType<Lab['start']>> {
  const folder = join(lab.repository, 'leases', 'prune')
  // A file that is still being written is no lease yet.
  const generations = (): number =>
    existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+\.json$/.test(name)).length : 0
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const before = generations()
    const running = lab.start('prune', '--json')
    const over = running.ended.then(() => true)
    let isOver = false
    while (!isOver && generations() === before) isOver = (await Promise.race([sleep(1), over])) === true
    if (isOver) continue
    running.kill('SIGSTOP')
    await sleep(50)
    if (generations() === before + 1) return running
    running.kill('SIGCONT')
    await running.ended
  }
  throw new Error('prune could not be stopped while it held its lease')
}

test('a process of next year does not take a lease from one that lives now', { timeout: 120_000 }, async () => {
  const lab = await forkLab(base)
  const holder = await stoppedPrune(lab)
  const thief = lab.startWith(await atTime('+365d'), 'prune', '--json')
  let stolen: Ran | undefined
  void thief.ended.then((ran) => (stolen = ran))
  await sleep(6_000)
  holder.kill('SIGCONT')
  assert.equal(stolen, undefined, `it did not wait: ${stolen?.out}${stolen?.error}`)
  const held = await holder.ended
  assert.ok([0, 13].includes(held.code), `the holder lost its lease: ${held.out}${held.error}`)
  const waited = await thief.ended
  assert.ok([3, 11, 13].includes(waited.code), waited.out + waited.error)
})
