import assert from 'node:assert/strict'
import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, listed } from './expect.ts'
import type { Ran } from './holdfast.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'

/** Several runs at once, and one of several repositories that fails. */
const base = await startReadyLab()

async function assertAllVerify(lab: Lab): Promise<void> {
  const { points, damaged, alarms } = await listed(lab)
  assert.deepEqual([damaged, alarms], [[], []])
  for (const { point } of points)
    assert.equal((await lab.json<{ report: { ok: boolean } }>(['verify', point])).report.ok, true)
}

/** What a backup that ended well made. */
function madeBy({ code, out, error }: Ran): { readonly point: string; readonly outcome: string } {
  assert.equal(code, 0, out + error)
  return (JSON.parse(out) as { report: { point: string; outcome: string } }).report
}

interface Pruned {
  readonly reports: readonly { readonly removed: readonly string[]; readonly withheld: readonly string[] }[]
}

test('two backups at once both complete', async () => {
  const lab = await forkLab(base)
  const ran = await Promise.all([lab.run('backup', '--json'), lab.run('backup', '--json')])
  const made = ran.map(madeBy)
  assert.deepEqual(
    made.map(({ outcome }) => outcome),
    ['done', 'done'],
  )
  assert.deepEqual(
    (await listed(lab)).points.map(({ point }) => point).toSorted(),
    made.map(({ point }) => point).toSorted(),
  )
  await assertAllVerify(lab)
})

/** A lab with four points of which the rules keep two; the policy is known, so that no approval is needed for it. */
async function withOldPoints(): Promise<{ readonly lab: Lab; readonly points: readonly string[] }> {
  const lab = await forkLab(base)
  await lab.edit(({ apps }) => (apps['portal']!.retention = { last: 2, minimum: 2 }))
  const points: string[] = []
  for (let count = 0; count < 4; count += 1) points.push(await backUp(lab))
  return { lab, points }
}

async function approval(lab: Lab): Promise<string> {
  return (await lab.json<{ plans: { plan: { hash: string } }[] }>(['prune', '--dry-run'])).plans[0]!.plan.hash
}

test('two backups and a prune at once lose nothing that is new', async () => {
  const { lab, points } = await withOldPoints()
  const hash = await approval(lab)
  const [one, other, prune] = await Promise.all([
    lab.run('backup', '--json'),
    lab.run('backup', '--json'),
    lab.run('prune', '--accept', `prune-${hash}`, '--json'),
  ])
  const made = [one, other].map((ran) => madeBy(ran).point)
  assert.ok(prune.code === 0 || prune.code === 13, prune.out + prune.error)
  const left = (await listed(lab)).points.map(({ point }) => point)
  for (const point of [...made, ...points.slice(2)]) assert.ok(left.includes(point))
  await assertAllVerify(lab)
})

test('two prunes at once: one does it, the other waits or says that it is locked', async () => {
  const { lab, points } = await withOldPoints()
  const hash = await approval(lab)
  const ran = await Promise.all([
    lab.run('prune', '--accept', `prune-${hash}`, '--json'),
    lab.run('prune', '--accept', `prune-${hash}`, '--json'),
  ])
  const removed = ran.flatMap(({ code, out }) =>
    code === 0 ? (JSON.parse(out) as Pruned).reports.flatMap((report) => report.removed) : [],
  )
  assert.deepEqual(removed.toSorted(), points.slice(0, 2).toSorted(), 'each point is removed once')
  for (const { code, out } of ran) {
    assert.ok(code === 0 || code === 11, out)
    if (code === 11) assert.match(out, /"locked".*prune/)
  }
  assert.deepEqual(
    (await listed(lab)).points.map(({ point }) => point),
    points.slice(2),
  )
  await assertAllVerify(lab)
})

test('a backup that runs while its point of reference is pruned and undeleted is whole', async () => {
  const { lab, points } = await withOldPoints()
  const hash = await approval(lab)
  await lab.json(['prune', '--accept', `prune-${hash}`])
  const [backup, undelete] = await Promise.all([lab.run('backup', '--json'), lab.run('undelete', points[0]!, '--json')])
  assert.deepEqual([backup.code, undelete.code], [0, 0], backup.error + undelete.error)
  assert.equal((await listed(lab)).points.length, 4)
  await assertAllVerify(lab)
})

/** A lab with two repositories. */
async function withTwo(): Promise<Lab> {
  const lab = await forkLab(base)
  await rm(lab.repository, { recursive: true })
  for (const name of ['state', 'etc']) await rm(join(lab.folder, name), { recursive: true, force: true })
  await lab.configure({
    repositories: {
      main: { url: `file://${lab.repository}`, recipients: [] },
      second: { url: `file://${lab.folder}/second`, recipients: [] },
    },
  })
  await lab.json(['init', '--identity-file', join(lab.folder, 'etc', 'identity.txt')])
  return lab
}

test('one of two repositories that is not there makes the result incomplete, and the other has the whole point', async () => {
  const lab = await withTwo()
  const second = join(lab.folder, 'second')
  await rename(second, `${second}-unmounted`)
  const { report } = await lab.json<{
    report: {
      point: string
      outcome: string
      repositories: { name: string; outcome: string; failure?: { kind: string; message: string; hint?: string } }[]
    }
  }>(['backup'], 3)
  assert.deepEqual(
    [report.outcome, report.repositories.map(({ name, outcome }) => [name, outcome])],
    [
      'incomplete',
      [
        ['main', 'committed'],
        ['second', 'failed'],
      ],
    ],
  )
  assert.match(report.repositories[1]?.failure?.message ?? '', /second/)
  const listing = await listed(lab, 3)
  assert.deepEqual(
    listing.points.map(({ point, complete, repositories }) => [point, complete, repositories]),
    [[report.point, true, ['main']]],
  )
  assert.deepEqual(
    listing.unread.map(({ repository }) => repository),
    ['second'],
  )
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['drill'])).report.ok, true, 'what is there restores')
  await rename(`${second}-unmounted`, second)
  await backUp(lab)
  const again = await listed(lab)
  assert.deepEqual(
    again.points.map(({ repositories }) => repositories),
    [['main'], ['main', 'second']],
  )
})

test('a repository that breaks while it is written to leaves the other good', async () => {
  const lab = await withTwo()
  await rm(join(lab.folder, 'second', 'data'), { recursive: true, force: true })
  // A file where a folder has to be, as a broken disk or a wrong synchronisation leaves it.
  await cp(join(lab.folder, 'holdfast.yaml'), join(lab.folder, 'second', 'data'))
  const { report } = await lab.json<{ report: { point: string; repositories: { outcome: string }[] } }>(['backup'], 3)
  assert.deepEqual(
    report.repositories.map(({ outcome }) => outcome),
    ['committed', 'failed'],
  )
  assert.deepEqual(
    (await listed(lab)).points.map(({ point, repositories }) => [point, repositories]),
    [[report.point, ['main']]],
  )
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['verify', report.point])).report.ok, true)
})
