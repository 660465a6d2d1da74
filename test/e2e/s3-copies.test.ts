import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, expectFailure, listed, restoreWhole } from './expect.ts'
import { startLab } from './lab.ts'
import { readLive } from './live.ts'
import { repositoryIn, startBucket } from './s3-lab.ts'

/** Three copies on two media, one off the host: the live data, a folder, and a bucket, from one capture. */
const place = await startBucket()
const { bucket } = place
const lab = await startLab()
const { settings, secretFile } = await repositoryIn(place, lab)
await lab.configure({
  repositories: {
    near: { url: `file://${lab.repository}`, recipients: [] },
    far: settings,
  },
  app: { retention: { last: 1, minimum: 1 } },
})
const original = await readLive(lab)

interface Copies {
  readonly report: {
    readonly point: string
    readonly outcome: string
    readonly repositories: readonly { readonly name: string; readonly outcome: string; readonly storedBytes: number }[]
  }
}

test('init makes both repositories with one key', async () => {
  const { report } = await lab.json<{ report: { repositories: { name: string; outcome: string; id: string }[] } }>([
    'init',
    '--identity-file',
    join(lab.folder, 'etc', 'identity.txt'),
  ])
  assert.deepEqual(
    report.repositories.map(({ name, outcome }) => [name, outcome]),
    [
      ['near', 'created'],
      ['far', 'created'],
    ],
  )
  assert.notEqual(report.repositories[0]?.id, report.repositories[1]?.id)
  assert.equal((await lab.json<{ ok: boolean }>(['check'])).ok, true)
})

test('one capture is one point in both, and is listed once', async () => {
  const { report } = await lab.json<Copies>(['backup'])
  assert.deepEqual(
    [report.outcome, report.repositories.map(({ outcome }) => outcome)],
    ['done', ['committed', 'committed']],
  )
  assert.ok(report.repositories.every(({ storedBytes }) => storedBytes > 0))
  assert.deepEqual(
    (await listed(lab)).points.map(({ point, repositories }) => [point, repositories]),
    [[report.point, ['near', 'far']]],
  )
  assert.equal(await bucket.unfinished(), 0)
})

test('with the near copy gone, the far one is drilled and restored', async () => {
  const [{ point } = { point: '' }] = (await listed(lab)).points
  await lab.sql('drop table sessions cascade')
  await rm(lab.files, { recursive: true })
  await rm(lab.repository, { recursive: true })
  const listing = await listed(lab, 3)
  assert.deepEqual(
    [listing.points.map(({ repositories }) => repositories), listing.unread.map(({ repository }) => repository)],
    [[['far']], ['near']],
  )
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['verify', point])).report.ok, true)
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['drill'])).report.ok, true)
  await restoreWhole(lab, point)
  const restored = await readLive(lab)
  assert.deepEqual([restored.database, restored.files], [original.database, original.files])
})

test('init makes the near repository anew, and both go on together', async () => {
  await lab.edit(({ repositories }) => (repositories['near']!['recipients'] = repositories['far']!['recipients']))
  await lab.json(['init'])
  await backUp(lab)
  const newest = await backUp(lab)
  assert.deepEqual(
    (await listed(lab)).points.map(({ repositories }) => repositories),
    [['far'], ['near', 'far'], ['near', 'far']],
  )
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['drill', '--at', newest])).report.ok, true)
})

test('each repository is pruned by the same rules, with its own approval, and can be undeleted', async () => {
  const { plans } = await lab.json<{ plans: { repository: string; plan: { hash: string; removals: string[] } }[] }>([
    'prune',
    '--dry-run',
  ])
  assert.deepEqual(
    plans.map(({ repository, plan }) => [repository, plan.removals.length]),
    [
      ['near', 1],
      ['far', 1],
    ],
  )
  const removed = []
  for (const { repository, plan } of plans) {
    const ran = await lab.run('prune', '--accept', `prune-${plan.hash}`, '--json')
    const { reports } = JSON.parse(ran.out) as { reports: { repository: string; removed: string[] }[] }
    removed.push(reports.find((report) => report.repository === repository)?.removed.length)
  }
  assert.deepEqual(removed, [1, 1])
  const far = plans.find(({ repository }) => repository === 'far')?.plan.removals ?? []
  await lab.json(['undelete', far.at(-1) ?? ''])
  assert.deepEqual(
    (await listed(lab)).points.map(({ repositories }) => repositories),
    [['far'], ['near', 'far'], ['near', 'far']],
  )
})

// Minutes would mean that a server which never answered is waited for like one that is away.
test(
  'a wrong secret key is denied, a server that is not there unreachable, and the other copy is made',
  // Each time a server that is not there is tried for a minute.
  { timeout: 400_000 },
  async () => {
    await writeFile(secretFile, 'wrong')
    for (const kind of ['denied', 'unreachable']) {
      const { report } = await lab.json<{
        report: { repositories: { outcome: string; failure?: { kind: string; message: string } }[] }
      }>(['backup'], 3)
      assert.deepEqual(
        report.repositories.map(({ outcome, failure }) => [outcome, failure?.kind]),
        [
          ['committed', undefined],
          ['failed', kind],
        ],
      )
      assert.match(report.repositories[1]?.failure?.message ?? '', /s3|bucket/i)
      await lab.edit(({ repositories }) => (repositories['far']!['endpoint'] = 'http://127.0.0.1:9'))
    }
    await lab.edit(({ apps }) => (apps['portal']!.repositories = ['far']))
    await expectFailure(lab, ['backup'], { code: 20, kind: 'unreachable', message: /127\.0\.0\.1:9|s3:/, hint: /./ })
  },
)
