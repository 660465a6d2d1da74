import assert from 'node:assert/strict'
import { chown, cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as anyTest } from 'node:test'
import { backUp, changesNothing, expectFailure, listed, restoreWhole } from './expect.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import { readDatabase, readFiles, readLive } from './live.ts'
import { mountSmallDisk, noSmallDisks, type SmallDisk } from './small-disk.ts'
import { artifactsOf, flipBit } from './tamper.ts'
import { dataOf } from './watch.ts'

/** Disks that are full, or read-only, wherever Holdfast writes. */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const test = (name: string, act: () => Promise<void>): void =>
  void anyTest(name, { skip: noSmallDisks ?? false, timeout: 600_000 }, act)
const base = await startReadyLab()
const MB = 2 ** 20

/** A lab whose repository is on a small disk of its own. */
async function withSmallRepository(): Promise<{ readonly lab: Lab; readonly disk: SmallDisk }> {
  const [fork, disk] = [await forkLab(base), await mountSmallDisk(8 * MB)]
  await cp(fork.repository, disk.path, { recursive: true })
  await fork.edit(({ repositories }) => (repositories['main']!['url'] = `file://${disk.path}`))
  return { lab: { ...fork, repository: disk.path }, disk }
}

/** On the small disk, in a folder of the server's user. */
async function makeTablespace({ postgres }: Lab, disk: SmallDisk, name: string): Promise<void> {
  const folder = join(disk.path, 'space')
  const { uid, gid } = await stat(join(postgres.process!.folder, 'data'))
  await mkdir(folder)
  await chown(folder, uid, gid)
  await postgres.sql('postgres', `create tablespace ${name} location '${folder}'`)
}

test('a full repository refuses the backup, keeps what it has, and takes the next one when there is room', async () => {
  const { lab, disk } = await withSmallRepository()
  const point = await backUp(lab)
  const before = await dataOf(lab)
  await disk.fill(40_000)
  await changesNothing(lab, async () => {
    await expectFailure(lab, ['backup'], { code: 13, kind: 'refused', message: /no space|full/, hint: /./ })
    assert.deepEqual(await dataOf(lab), before)
  })
  assert.equal(
    (await lab.json<{ report: { ok: boolean } }>(['verify', point])).report.ok,
    true,
    'what was there can be read, although no proof may fit',
  )
  await disk.free()
  await backUp(lab)
})

test('a repository that became read-only is told as that, and its points still restore', async () => {
  const { lab, disk } = await withSmallRepository()
  const point = await backUp(lab)
  await disk.remount('ro')
  await changesNothing(lab, () =>
    expectFailure(lab, ['backup'], { code: 12, kind: 'denied', message: /read-only/, hint: /./ }),
  )
  await lab.sql('delete from sessions')
  await restoreWhole(lab, point)
  assert.equal((await lab.sql('select count(*)::int as rows from sessions'))[0]?.['rows'], 2000)
  await lab.json(['undo', '--yes'])
  await disk.remount('rw')
})

interface Verdict {
  readonly report: {
    readonly ok: boolean
    readonly recorded: boolean
    readonly keptHere?: boolean
    readonly recordingFailure?: { readonly kind: string }
  }
}

test('what is found of a point is told although a read-only repository takes no proof, and stored later', async () => {
  const { lab, disk } = await withSmallRepository()
  const [good, point] = [await backUp(lab), await backUp(lab)]
  await flipBit(lab, (await artifactsOf(lab, point))[0] ?? '')
  const failed = async (): Promise<unknown> =>
    (await listed(lab)).points.find((one) => one.point === point)?.failedProof ?? ''
  await disk.remount('ro')
  const red = (await lab.json<Verdict>(['verify', point], 30)).report
  assert.deepEqual([red.ok, red.recorded, red.keptHere, red.recordingFailure?.kind], [false, false, true, 'denied'])
  assert.match(String(await failed()), /verify of .* failed/)
  const text = await lab.run('verify', good)
  assert.equal(text.code, 12, text.error)
  assert.match(text.out, /every byte that was read is as it was written/)
  assert.match(text.out, /NOT RECORDED in the repository: .*read-only[\s\S]*kept on this machine/)
  await disk.remount('rw')
  assert.equal((await lab.json<Verdict>(['verify', good])).report.recorded, true)
  assert.equal((await readdir(join(lab.repository, 'proofs', point))).length, 1)
  assert.match(String(await failed()), /verify of .* failed/)
})

test('a full state folder does not keep a backup from being made, and keeps a restore from starting', async () => {
  const lab = await forkLab(base)
  await backUp(lab)
  const disk = await mountSmallDisk(MB)
  await cp(join(lab.folder, 'state'), disk.path, { recursive: true })
  await lab.edit((config) => (config.state = disk.path))
  await disk.fill(0)
  const ran = await lab.run('backup', '--json')
  assert.equal(ran.code, 0, ran.out + ran.error)
  assert.match(ran.error, /warning: this machine cannot remember/)
  assert.equal((await listed(lab)).points.length, 2)
  await changesNothing(lab, () =>
    expectFailure(lab, ['restore', '--yes', '--no-safety-point'], {
      code: 13,
      kind: 'refused',
      message: /no space left for the state of this machine/,
      hint: /Make room/,
    }),
  )
  await disk.free()
  assert.equal(
    (await lab.json<{ report: { outcome: string } }>(['restore', '--yes', '--no-safety-point'])).report.outcome,
    'done',
  )
  await lab.json(['undo', '--yes'])
})

test('a target folder without room is found before anything is touched', async () => {
  const lab = await forkLab(base)
  const disk = await mountSmallDisk(4 * MB)
  const path = join(disk.path, 'keys')
  await cp(lab.files, path, { recursive: true, verbatimSymlinks: true })
  await writeFile(join(path, 'large.bin'), Buffer.alloc(MB, 'not so compressible'))
  await lab.edit(({ apps }) => (apps['portal']!.components['files']!['path'] = path))
  const point = await backUp(lab)
  await disk.fill(MB / 2)
  const files = await readFiles(disk.path)
  await changesNothing(lab, async () => {
    const { plan } = await lab.json<{
      plan: { components: { name: string; findings: { level: string; message: string; hint?: string }[] }[] }
    }>(['restore', '--at', point, '--dry-run'], 13)
    assert.deepEqual(
      plan.components.find(({ name }) => name === 'files')?.findings.filter(({ level }) => level === 'error').length,
      1,
    )
    await expectFailure(lab, ['restore', '--at', point, '--yes', '--no-safety-point'], {
      code: 13,
      kind: 'refused',
      message: /free space/,
      hint: /./,
    })
  })
  assert.deepEqual(await readFiles(disk.path), files)
  await disk.free()
  await lab.json(['restore', '--at', point, '--component', 'files', '--yes', '--no-safety-point'])
})

test('a source on a full disk is backed up and proven all the same: reading it writes nothing there', async () => {
  const lab = await forkLab(base)
  const { postgres } = lab
  const disk = await mountSmallDisk(16 * MB)
  await makeTablespace(lab, disk, 'brimful')
  await postgres.sql('portal', 'create table public.brimful tablespace brimful as select generate_series(1, 9000) as n')
  // What the server has not written yet would take room later.
  await postgres.sql('postgres', 'checkpoint')
  const files = join(disk.path, 'keys')
  await cp(lab.files, files, { recursive: true, verbatimSymlinks: true })
  await lab.edit(({ apps }) => (apps['portal']!.components['files']!['path'] = files))
  await disk.fill(0)
  await assert.rejects(writeFile(join(disk.path, 'more'), 'x'), { code: 'ENOSPC' })
  const point = await backUp(lab)
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['drill', '--at', point])).report.ok, true)
  await disk.free()
  await postgres.sql('portal', 'drop table public.brimful')
  await postgres.sql('postgres', 'drop tablespace brimful')
})

test('a full folder for temporary files fails a drill and a restore, and nothing is left in it', async () => {
  const lab = await forkLab(base)
  const point = await backUp(lab)
  const disk = await mountSmallDisk(2 * MB)
  await disk.fill(0)
  await changesNothing(lab, async () => {
    for (const args of [
      ['drill', '--at', point],
      ['restore', '--at', point, '--yes', '--no-safety-point'],
    ]) {
      const ran = await lab.runWith({ TMPDIR: disk.path }, ...args, '--json')
      assert.equal(ran.code, 13, `${args[0]} ended with ${ran.code}: ${ran.out}${ran.error}`)
      assert.match(ran.out + ran.error, /space|ENOSPC/i)
    }
    assert.deepEqual(await readdir(disk.path), ['filler'])
  })
})

test('a drill that runs out of room, wherever it is by then, is no verdict about the point', async () => {
  const lab = await forkLab(base)
  const point = await backUp(lab)
  const disk = await mountSmallDisk(72 * MB)
  const ends: number[] = []
  // In the order of time: the folder, initdb, the start of the server, and the load.
  for (const room of SOAK ? [0, 1, 20, 38, 42, 46, 50, 56] : [1, 20, 42, 50]) {
    await disk.fill(room * MB)
    const ran = await lab.runWith({ TMPDIR: disk.path }, 'drill', '--at', point, '--json')
    await disk.free()
    ends.push(ran.code)
    assert.ok([0, 13, 20].includes(ran.code), `with ${room} MB it ended with ${ran.code}: ${ran.out}${ran.error}`)
    assert.doesNotMatch(ran.out, /"(corrupt|bug|toolFailed)"/)
  }
  assert.ok(ends.includes(13), ends.join())
  const { points } = await listed(lab)
  assert.equal(points.find((one) => one.point === point)?.failedProof, null)
})

// The last: where PostgreSQL ran out of room, it cannot make a checkpoint any more as long as the disk is there.
test('a database whose tablespace has no room for a second copy keeps its data', async () => {
  const lab = await forkLab(base)
  const { postgres } = lab
  const disk = await mountSmallDisk(48 * MB)
  await makeTablespace(lab, disk, 'small')
  await postgres.createDatabase('tight', 'tablespace small')
  await postgres.sql(
    'tight',
    'create table public.filling as select n, repeat(md5(n::text), 30) as text from generate_series(1, 8000) n',
  )
  await lab.edit(({ apps }) => {
    apps['portal']!.components = {
      database: { ...apps['portal']!.components['database'], kind: 'postgres', database: 'tight' },
    }
  })
  const point = await backUp(lab)
  const before = await readDatabase(lab, 'tight')
  await disk.fill(10 * MB)
  const others = (await readLive(lab)).otherDatabases
  const ran = await lab.run('restore', '--at', point, '--yes', '--no-safety-point', '--json')
  // Refused when the lack is seen before, a tool's failure when PostgreSQL runs into it.
  assert.ok(ran.code === 13 || ran.code === 21, ran.out + ran.error)
  await disk.free()
  assert.deepEqual(await readDatabase(lab, 'tight'), before)
  // Without room PostgreSQL may be unable to drop what it had begun; then the restore is unfinished, and says so.
  const abandoned = await lab.run('restore', '--abandon', '--json')
  assert.ok(abandoned.code === 0 || abandoned.code === 10, abandoned.out + abandoned.error)
  assert.deepEqual((await readLive(lab)).otherDatabases, others, 'nothing is left beside')
  assert.deepEqual(await readDatabase(lab, 'tight'), before)
  await restoreWhole(lab, point)
})
