import assert from 'node:assert/strict'
import { chmod, chown, link, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isRoot } from '../process/accounts.ts'
import { directEffects } from '../effects.ts'
import { createDurably, nameDurably, publishDurably, renameDurably, replaceDurably } from './durable-file.ts'
import { folderRecords } from './folder-records.ts'
import { replaceFile, writeNewFile } from './private-file.ts'
import { makeFolders } from './sync-folder.ts'
import { makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts'
import { watchSyncs } from '../testing/watch-syncs.ts'

const NOBODY = 65_534
const PRIVATE = { mode: 0o600 }

async function workFolder(t: TestContext): Promise<string> {
  const folder = await makeTemporaryFolder()
  t.after(() => removeTemporaryFolder(folder))
  return folder
}

const writers: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'a new file': (path) => createDurably(path, 'new', PRIVATE),
  'a published file': (path) => publishDurably(path, 'new', PRIVATE),
  'a replaced file': (path) => replaceDurably(path, 'new', PRIVATE),
  'a key': (path) => writeNewFile(path, 'new'),
}

for (const [what, write] of Object.entries(writers)) {
  test(`${what} survives power loss: its content is synced first, then the folder that has its name`, async (t) => {
    const folder = await workFolder(t)
    const syncs = await watchSyncs(t)
    await write(join(folder, 'key'))
    const [content, last, ...more] = syncs
    assert.equal(dirname(content?.path ?? ''), folder)
    assert.equal(content?.names, undefined)
    assert.deepEqual(last, { path: folder, names: ['key'] })
    assert.deepEqual(more, [])
    assert.equal(await readFile(join(folder, 'key'), 'utf8'), 'new')
    assert.equal((await stat(join(folder, 'key'))).mode & 0o777, 0o600)
  })

  test(`${what} is written where folders have no sync`, async (t) => {
    const folder = await workFolder(t)
    for (const code of ['EINVAL', 'ENOTSUP']) {
      await watchSyncs(t, code)
      await write(join(folder, code))
      assert.equal(await readFile(join(folder, code), 'utf8'), 'new')
      t.mock.restoreAll()
    }
    await watchSyncs(t, 'EIO')
    await assert.rejects(write(join(folder, 'EIO')), /EIO|disk or the network mount/)
  })
}

test('the edited configuration survives power loss, and keeps its mode', async (t) => {
  const folder = await workFolder(t)
  const path = join(folder, 'holdfast.yaml')
  await writeFile(path, 'old')
  await chmod(path, 0o640)
  const syncs = await watchSyncs(t)
  await replaceFile(path, 'new')
  assert.deepEqual(syncs.at(-1), { path: folder, names: ['holdfast.yaml'] })
  assert.equal(await readFile(path, 'utf8'), 'new')
  assert.equal((await stat(path)).mode & 0o777, 0o640)
})

test('a key in a new folder survives power loss, and so do the folders above it', async (t) => {
  const folder = await workFolder(t)
  const syncs = await watchSyncs(t)
  await writeNewFile(join(folder, 'a', 'b', 'key'), 'new')
  const synced = (path: string): readonly string[] | undefined => syncs.find((sync) => sync.path === path)?.names
  assert.deepEqual(synced(folder), ['a'])
  assert.deepEqual(synced(join(folder, 'a')), ['b'])
  assert.deepEqual(syncs.at(-1), { path: join(folder, 'a', 'b'), names: ['key'] })
})

test('folders named from the working folder are synced as well', async (t) => {
  const folder = await workFolder(t)
  const before = process.cwd()
  process.chdir(folder)
  t.after(() => process.chdir(before))
  const syncs = await watchSyncs(t)
  await makeFolders('a/b')
  assert.deepEqual(
    syncs.map(({ path, names }) => [path, names]),
    [
      [join(folder, 'a'), ['b']],
      [folder, ['a']],
    ],
  )
})

test('a record survives power loss where its folder is a FUSE mount without a sync of folders', async (t) => {
  const folder = await workFolder(t)
  await watchSyncs(t, 'EINVAL')
  const records = folderRecords(join(folder, 'state'), directEffects)
  await records.save('one', { is: 'kept' })
  assert.deepEqual(await records.load('one'), { is: 'kept' })
})

test('a rename is synced in both folders', async (t) => {
  const folder = await workFolder(t)
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  await makeFolders(from)
  await makeFolders(to)
  await writeFile(join(from, 'key'), '')
  const syncs = await watchSyncs(t)
  await renameDurably(join(from, 'key'), join(to, 'key'))
  assert.deepEqual(syncs, [
    { path: to, names: ['key'] },
    { path: from, names: [] },
  ])
})

test('nothing is written over: not a file, not a link, and what was made for it is gone', async (t) => {
  const folder = await workFolder(t)
  await writeFile(join(folder, 'file'), 'old')
  await symlink(join(folder, 'nowhere'), join(folder, 'link'))
  for (const name of ['file', 'link']) {
    const path = join(folder, name)
    await assert.rejects(createDurably(path, 'new', PRIVATE), { code: 'EEXIST' })
    await assert.rejects(publishDurably(path, 'new', PRIVATE), { code: 'EEXIST' })
    await assert.rejects(nameDurably(join(folder, 'file'), path), { code: 'EEXIST' })
    await assert.rejects(writeNewFile(path, 'new'), { kind: 'refused', message: `${path} exists already` })
  }
  assert.deepEqual((await readdir(folder)).map((name) => basename(name)).sort(), ['file', 'link'])
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'old')
})

test("a file gets its name where hard links are refused, and takes nobody else's", async (t) => {
  const mode = await readFile('/proc/sys/fs/protected_hardlinks', 'utf8').catch(() => '0')
  if (!isRoot() || mode.trim() !== '1') return t.skip('needs root, and a system that protects hard links')
  const folder = await workFolder(t)
  await chown(folder, NOBODY, NOBODY)
  for (const name of ['finished', 'other', 'taken']) await writeFile(join(folder, name), name, { mode: 0o600 })
  process.seteuid?.(NOBODY)
  t.after(() => process.seteuid?.(0))
  await assert.rejects(link(join(folder, 'finished'), join(folder, 'link')), { code: 'EPERM' })
  await assert.rejects(nameDurably(join(folder, 'other'), join(folder, 'taken')), { code: 'EEXIST' })
  await nameDurably(join(folder, 'finished'), join(folder, 'key'))
  process.seteuid?.(0)
  assert.deepEqual(await readdir(folder), ['key', 'other', 'taken'])
  assert.equal(await readFile(join(folder, 'key'), 'utf8'), 'finished')
  assert.equal(await readFile(join(folder, 'taken'), 'utf8'), 'taken')
})

test('a write that fails leaves nothing and says what could not be written', async (t) => {
  const folder = await workFolder(t)
  const path = join(folder, 'x'.repeat(300))
  await assert.rejects(writeNewFile(path, 'new'), { message: new RegExp(`^${path} cannot be written`) })
  assert.deepEqual(await readdir(folder), [])
})
