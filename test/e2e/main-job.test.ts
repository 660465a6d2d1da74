import assert from 'node:assert/strict'
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, expectFailure, listed } from './expect.ts'
import { startLab } from './lab.ts'
import { readDatabase, readFiles, readLive } from './live.ts'

/** The whole life of an application, as its operator lives it; each test goes on where the one before it stopped. */
const lab = await startLab()
const identityFile = join(lab.folder, 'etc', 'identity.txt')
const original = await readLive(lab)
let point = ''

test('init makes keys and the repository, and a second init changes nothing', async () => {
  const { report } = await lab.json<{
    report: {
      signer: string
      recipient: string
      lockedIdentity: string
      repositories: { name: string; outcome: string; id: string }[]
    }
  }>(['init', '--identity-file', identityFile])
  assert.match(report.signer, /^ed25519:/)
  assert.match(report.recipient, /^age1/)
  assert.equal(report.lockedIdentity, 'recovery')
  assert.deepEqual(
    report.repositories.map(({ name, outcome }) => [name, outcome]),
    [['main', 'created']],
  )
  assert.equal((await stat(identityFile)).mode & 0o777, 0o600)
  assert.equal((await stat(join(lab.folder, 'etc', 'signing.key'))).mode & 0o777, 0o600)
  const config = await readFile(join(lab.folder, 'holdfast.yaml'), 'utf8')
  const again = await lab.json<{ report: { repositories: { outcome: string; id: string }[] } }>([
    'init',
    '--identity-file',
    identityFile,
  ])
  assert.deepEqual(
    again.report.repositories.map(({ outcome, id }) => [outcome, id]),
    [['exists', report.repositories[0]?.id]],
  )
  assert.equal(await readFile(join(lab.folder, 'holdfast.yaml'), 'utf8'), config)
})

test('check says that a backup can run and what it could not test', async () => {
  const report = await lab.json<{
    ok: boolean
    general: { level: string; subject: string }[]
    apps: { app: string; findings: { level: string; subject: string }[] }[]
  }>(['check'])
  assert.equal(report.ok, true)
  assert.deepEqual(
    report.general.map(({ level, subject }) => [level, subject]),
    [['untested', 'private key']],
  )
  assert.ok((report.apps[0]?.findings.length ?? 0) > 3)
  assert.deepEqual((await listed(lab)).points, [])
})

test('backup makes a point that was read back, in the folder and on the list', async () => {
  const planned = await lab.json<{ plan: { components: unknown[] } }>(['backup', '--dry-run'])
  assert.equal(planned.plan.components.length, 2)
  assert.deepEqual((await listed(lab)).points, [])
  const { report } = await lab.json<{
    report: {
      point: string
      outcome: string
      truth: string
      components: { name: string; outcome: string; bytes: number }[]
      repositories: { name: string; outcome: string; storedBytes: number }[]
    }
  }>(['backup', 'portal'])
  assert.deepEqual([report.outcome, report.truth], ['done', 'read back'])
  assert.deepEqual(
    report.components.map(({ name, outcome }) => [name, outcome]),
    [
      ['database', 'captured'],
      ['files', 'captured'],
    ],
  )
  assert.ok(report.components.every(({ bytes }) => bytes > 0))
  point = report.point
  const { points } = await listed(lab)
  assert.deepEqual(
    points.map((one) => [one.point, one.app, one.complete, one.truth, one.held, one.repositories]),
    [[point, 'portal', true, 'read back', false, ['main']]],
  )
  await stat(join(lab.repository, 'points', `${point}.json`))
  assert.deepEqual(await readLive(lab), original)
})

test('show names the components, artifacts and proofs', async () => {
  const report = await lab.json<{
    summary: { point: string }
    opened: boolean
    components: { name: string; artifacts: { role: string; size: number }[] }[]
    proofs: unknown[]
  }>(['show', point.slice(0, 12)])
  assert.deepEqual([report.summary.point, report.opened, report.proofs], [point, true, []])
  assert.deepEqual(
    report.components.map(({ name }) => name),
    ['database', 'files'],
  )
  assert.ok(report.components.every(({ artifacts }) => artifacts.length > 0))
})

test('verify reads every byte and has the real tools read the archives', async () => {
  const { report } = await lab.json<{
    report: {
      ok: boolean
      bytesRead: number
      artifacts: { level: string; ok: boolean }[]
      examined: { component: string; ok: boolean }[]
    }
  }>(['verify', 'latest'])
  assert.equal(report.ok, true)
  assert.ok(report.bytesRead > 0)
  assert.ok(report.artifacts.every(({ level, ok }) => level === 'full' && ok))
  assert.deepEqual(report.examined, [
    { component: 'database', ok: true },
    { component: 'files', ok: true },
  ])
  assert.equal((await listed(lab)).points[0]?.truth, 'read back', 'a verify is no proof of a restore')
})

test('drill restores into a throw-away place and proves the point', async () => {
  const { report } = await lab.json<{
    report: { ok: boolean; where: string; differences: unknown[]; recoveryTimeMilliseconds: number }
  }>(['drill'])
  assert.deepEqual([report.ok, report.where, report.differences], [true, 'scratch', []])
  assert.ok(report.recoveryTimeMilliseconds > 0)
  assert.equal((await listed(lab)).points[0]?.truth, 'restored')
  assert.deepEqual(await readLive(lab), original)
})

test('drill beside uses the configured server and leaves nothing on it', async () => {
  const { report } = await lab.json<{ report: { ok: boolean; where: string } }>(['drill', '--staged'])
  assert.deepEqual([report.ok, report.where], [true, 'staged'])
  assert.deepEqual(await readLive(lab), original)
  const { proofs } = await lab.json<{ proofs: { kind: string; ok: boolean }[] }>(['show', 'latest'])
  assert.deepEqual(
    proofs.map(({ kind, ok }) => [kind, ok]),
    [
      ['verify', true],
      ['drill', true],
      ['drill', true],
    ],
  )
})

test('after a disaster the dry run shows the plan, and the restore brings everything back', async () => {
  await lab.sql(
    "delete from sessions; drop view active_users; update users set email = 'x' || email; revoke select on users from portal_reader; drop index sessions_by_user; select lo_unlink(oid) from pg_largeobject_metadata",
  )
  await rm(join(lab.files, 'tls'), { recursive: true })
  await chmod(join(lab.files, 'master.key'), 0o644)
  const ruins = await readLive(lab)
  const { plan } = await lab.json<{
    plan: { mode: string; safetyPoint: boolean; confirmation: string; components: { name: string; bytes: number }[] }
  }>(['restore', '--at', point, '--dry-run'])
  assert.deepEqual([plan.mode, plan.safetyPoint, plan.confirmation], ['swap', true, 'portal'])
  assert.deepEqual(await readLive(lab), ruins)
  await expectFailure(lab, ['restore', '--at', point], {
    code: 2,
    kind: 'usage',
    message: /no terminal to ask for a confirmation/,
    hint: /--yes/,
  })
  assert.deepEqual(await readLive(lab), ruins)
  const { report } = await lab.json<{
    report: {
      restoreId: string
      outcome: string
      safetyPoint: string
      differences: unknown[]
      downtimeMilliseconds: number
      clientSilenceMilliseconds: number
      durationMilliseconds: number
    }
  }>(['restore', '--at', point, '--yes'])
  assert.deepEqual([report.outcome, report.differences], ['done', []])
  assert.ok(report.downtimeMilliseconds <= report.durationMilliseconds)
  assert.ok(report.clientSilenceMilliseconds > 0 && report.clientSilenceMilliseconds <= report.durationMilliseconds)
  const restored = await readLive(lab)
  assert.deepEqual(restored.database, original.database)
  assert.deepEqual(restored.files, original.files)
  assert.deepEqual(restored.otherDatabases, [`portal__prev_${report.restoreId}`])
  assert.ok((await listed(lab)).points.some((one) => one.point === report.safetyPoint))
})

test('undo brings back what was there before the restore, and says so when there is nothing more', async () => {
  const before = await readLive(lab)
  const { plan } = await lab.json<{ plan: { confirmation: string; restoreId: string } }>(['undo', '--dry-run'])
  assert.equal(plan.confirmation, 'portal')
  assert.deepEqual(await readLive(lab), before)
  await lab.json(['undo', '--yes'])
  const ruins = await readLive(lab)
  assert.equal(ruins.database['table sessions']?.split(' ')[0], '0')
  assert.equal(ruins.files['tls/server.pem'], undefined)
  await expectFailure(lab, ['undo', '--yes'], {
    code: 10,
    kind: 'notFound',
    message: /app portal has no restore that can be undone/,
    hint: /safety point/,
  })
  await expectFailure(lab, ['undo', '--restore', plan.restoreId, '--yes'], {
    code: 10,
    kind: 'notFound',
    message: new RegExp(`nothing kept from restore ${plan.restoreId}`),
    hint: /72 hours/,
  })
  assert.deepEqual(await readLive(lab), ruins)
})

test('restore beside leaves the live data alone until it is resumed', async () => {
  const ruins = await readLive(lab)
  const beside = await lab.json<{ report: { outcome: string; mode: string; restoreId: string } }>([
    'restore',
    '--at',
    point,
    '--target',
    'stage',
  ])
  assert.equal(beside.report.outcome, 'done')
  assert.deepEqual((await readLive(lab)).database, ruins.database)
  await expectFailure(lab, ['restore', '--at', point, '--yes'], {
    code: 13,
    kind: 'refused',
    message: new RegExp(`restore ${beside.report.restoreId} of app portal is unfinished`),
    hint: /--continue/,
  })
  const resumed = await lab.json<{ report: { outcome: string } }>(['restore', '--continue'])
  assert.equal(resumed.report.outcome, 'done')
  assert.deepEqual((await readLive(lab)).database, original.database)
  assert.deepEqual(await readFiles(lab.files), original.files)
  await expectFailure(lab, ['restore', '--continue'], {
    code: 10,
    kind: 'notFound',
    message: /no unfinished restore/,
    hint: /./,
  })
})

test('only the files of a point can be restored', async () => {
  await writeFile(join(lab.files, 'master.key'), 'overwritten')
  await lab.sql("insert into job_history (what) values ('stays')")
  const database = await readDatabase(lab, 'portal')
  await lab.json(['restore', '--at', point, '--component', 'files', '--yes', '--no-safety-point'])
  assert.deepEqual(await readFiles(lab.files), original.files)
  assert.deepEqual(await readDatabase(lab, 'portal'), database)
})

test('a held point outlives the rules; released it is pruned and can be undeleted', async () => {
  await lab.edit((config) => (config.apps['portal']!.retention = { last: 1, minimum: 1 }))
  const extra = await backUp(lab)
  await lab.json(['drill', '--at', extra])
  await backUp(lab)
  await lab.json(['hold', point])
  assert.equal((await listed(lab)).points.find((one) => one.point === point)?.held, true)
  const planned = await prunePlan()
  assert.ok(!planned.removals.includes(point))
  await lab.json(['release', point])
  const plan = await prunePlan()
  assert.ok(plan.removals.includes(point))
  const before = (await listed(lab)).points.map((one) => one.point)
  await lab.json(['prune'], 13)
  assert.deepEqual(
    (await listed(lab)).points.map((one) => one.point),
    before,
    'a plan that needs approval removes nothing',
  )
  const { reports } = await lab.json<{ reports: { removed: string[] }[] }>(['prune', '--accept', `prune-${plan.hash}`])
  assert.deepEqual(reports[0]?.removed, plan.removals)
  const after = await listed(lab)
  assert.deepEqual(
    after.points.map((one) => one.point),
    before.filter((id) => !plan.removals.includes(id)),
  )
  assert.ok(after.removed.some((one) => one.point === point))
  await lab.json(['undelete', point])
  assert.ok((await listed(lab)).points.some((one) => one.point === point))
  await lab.json(['drill', '--at', point])
})

async function prunePlan(): Promise<{ hash: string; removals: string[] }> {
  const { plans } = await lab.json<{ plans: { plan: { hash: string; removals: string[] } }[] }>(['prune', '--dry-run'])
  return plans[0]!.plan
}
