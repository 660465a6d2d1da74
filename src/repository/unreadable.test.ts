import assert from 'node:assert/strict'
import { chmod, lchown, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { filesystemStorage } from '../storage/filesystem/filesystem.ts'
import { createRepository } from './create.ts'
import { commitName, manifestName, tombstoneName } from './names.ts'
import type { Catalog } from './repository.ts'
import { begin, makePoint, newFixture, type Fixture } from './testing/fixture.ts'

const NOBODY = 65_534
const isRoot = process.geteuid?.() === 0

interface Lab {
  readonly fixture: Fixture
  readonly folder: string
  readonly point: string
  readonly other: string
}

/** A repository in a folder, with two points, of which the first has a hold. */
async function labFor(t: TestContext): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-unreadable-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const base = await newFixture()
  const storage = filesystemStorage({ folder })
  await createRepository(storage, { software: 'holdfast test' }, base.context)
  const fixture = { ...base, storage, repository: await base.reopen({}, storage) }
  const [{ point }, { point: other }] = [await makePoint(fixture), await makePoint(fixture)]
  await fixture.repository.prove(point, 'hold', { ok: true, facts: {} }, fixture.context)
  return { fixture, folder, point, other }
}

/** Rights hold nobody back who is root. */
async function asNobody<Result>(folder: string, act: () => Promise<Result>): Promise<Result> {
  if (!isRoot) return act()
  for (const name of ['', ...(await readdir(folder, { recursive: true }))])
    await lchown(join(folder, name), NOBODY, NOBODY)
  process.seteuid?.(NOBODY)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}

function catalogOf({ fixture, folder }: Lab): Promise<Catalog> {
  return asNobody(folder, () => fixture.repository.catalog(fixture.context))
}

const proofFolder = ({ point }: Lab): string => `proofs/${point}`
const proofFile = async (lab: Lab): Promise<string> =>
  `${proofFolder(lab)}/${(await readdir(join(lab.folder, proofFolder(lab))))[0] ?? ''}`

/** What may be in the way, and how each is put there. */
const obstacles: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'cannot be read': (path) => chmod(path, 0),
  'is a folder': async (path) => {
    await rm(path)
    await mkdir(path)
  },
  'is a dangling link': async (path) => {
    await rm(path)
    await symlink('/nowhere', path)
  },
}

for (const [what, put] of Object.entries(obstacles)) {
  test(`a commit that ${what} is named, is no verdict, and hides no other point`, async (t) => {
    const lab = await labFor(t)
    await put(join(lab.folder, commitName(lab.point)))
    const { points, damaged, alarms } = await catalogOf(lab)
    assert.deepEqual(
      points.map(({ point }) => point),
      [lab.other],
    )
    assert.deepEqual(
      damaged.map(({ point, kind }) => [point, kind]),
      [[lab.point, 'unread']],
    )
    assert.match(damaged[0]?.message ?? '', new RegExp(commitName(lab.point)))
    assert.deepEqual(alarms, [])
    const sweep = asNobody(lab.folder, () => lab.fixture.repository.sweep(lab.fixture.context))
    await assert.rejects(sweep, { kind: 'refused', message: new RegExp(lab.point) })
    await makePoint(lab.fixture)
  })

  test(`a tombstone that ${what} is named and hides no point`, async (t) => {
    const lab = await labFor(t)
    await lab.fixture.repository.remove(lab.point, 'a test', lab.fixture.context)
    await put(join(lab.folder, tombstoneName(lab.point)))
    const { points, damaged } = await catalogOf(lab)
    assert.deepEqual([points.length, damaged.map(({ point, kind }) => [point, kind])], [1, [[lab.point, 'unread']]])
  })

  test(`a hold that ${what} holds, is named, and hides no point`, async (t) => {
    const lab = await labFor(t)
    const name = await proofFile(lab)
    await put(join(lab.folder, name))
    const { points, damaged, alarms, unread } = await catalogOf(lab)
    assert.deepEqual(
      points.map(({ held }) => held),
      [true, false],
    )
    assert.deepEqual([damaged, unread], [[], alarms])
    assert.match(alarms.join(), new RegExp(name))
  })

  test(`a manifest that ${what} is named by the listing`, async (t) => {
    const lab = await labFor(t)
    const path = join(lab.folder, manifestName(lab.point))
    await put(what === 'cannot be read' ? dirname(path) : path)
    const { points, damaged } = await catalogOf(lab)
    assert.equal(points.length, 2)
    const kind = what === 'cannot be read' ? 'unread' : 'corrupt'
    assert.deepEqual(
      damaged.map((one) => [one.point, one.kind]),
      [[lab.point, kind]],
    )
    assert.match(damaged[0]?.message ?? '', new RegExp(manifestName(lab.point)))
  })
}

test('proofs of a point in a folder that cannot be read leave it held', async (t) => {
  const lab = await labFor(t)
  await chmod(join(lab.folder, proofFolder(lab)), 0)
  const { points, alarms, unread } = await catalogOf(lab)
  assert.deepEqual(
    points.map(({ held }) => held),
    [true, false],
  )
  assert.match(unread.join(), new RegExp(proofFolder(lab)))
  assert.deepEqual(unread, alarms)
})

test('where all commits are in a folder that cannot be read, there is no list', async (t) => {
  const lab = await labFor(t)
  await chmod(join(lab.folder, 'points'), 0)
  await assert.rejects(catalogOf(lab), { kind: 'denied', message: /points/ })
})

test('an untouched repository has nothing to say, also while a point is written', async (t) => {
  const lab = await labFor(t)
  await begin(lab.fixture)
  const { points, damaged, alarms } = await catalogOf(lab)
  assert.deepEqual([points.length, damaged, alarms], [2, [], []])
})

const LOSSES: Readonly<Record<string, (lab: Lab) => Promise<unknown>>> = {
  'a manifest': ({ folder, point }) => rm(join(folder, manifestName(point))),
  keys: ({ folder, point }) => rm(join(folder, `data/${point}/keys-1`)),
  'an artifact': ({ folder, point }) => rm(join(folder, `data/${point}/000001`)),
  'all data': ({ folder, point }) => rm(join(folder, `data/${point}`), { recursive: true }),
  'the data of all points': ({ folder }) => rename(join(folder, 'data'), join(folder, 'old')),
}

for (const [what, lose] of Object.entries(LOSSES)) {
  test(`a point that lost ${what} is damaged before anybody reads it`, async (t) => {
    const lab = await labFor(t)
    await lose(lab)
    const { points, damaged } = await lab.fixture.repository.catalog(lab.fixture.context)
    assert.equal(points.length, 2)
    assert.deepEqual([damaged[0]?.kind, damaged.length], ['corrupt', what === 'the data of all points' ? 2 : 1])
    assert.match(damaged.map(({ message }) => message).join(), /is gone/)
  })
}

test('that the newest commit cannot be read is no repository that is older than before', async (t) => {
  const lab = await labFor(t)
  await catalogOf(lab)
  const commit = join(lab.folder, commitName(lab.other))
  await chmod(commit, 0)
  const unread = await catalogOf(lab)
  assert.deepEqual([unread.alarms, unread.damaged.map(({ kind }) => kind)], [[], ['unread']])
  await rm(commit)
  const { alarms } = await catalogOf(lab)
  assert.match(alarms.join(), /gone without a tombstone.*older than what this machine saw before/)
})
