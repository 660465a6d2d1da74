import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, test } from 'node:test'
import { namesOf, never, patternedBytes, streamed, throwing } from '../testing/bodies.ts'
import { assertFails, storageContract } from '../testing/contract.ts'
import { filesystemStorage } from './filesystem.ts'
import { openFilesystem } from './open.ts'

const root = await mkdtemp(join(tmpdir(), 'holdfast-filesystem-'))
after(() => rm(root, { recursive: true, force: true }))

let count = 0
const newFolder = (): string => join(root, `folder-${(count += 1)}`)

async function allFiles(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted()
}

storageContract(
  'filesystem',
  async () => {
    const folder = newFolder()
    const close = (): Promise<void> => rm(folder, { recursive: true, force: true })
    return { storage: filesystemStorage({ folder }), second: filesystemStorage({ folder }), close }
  },
  {
    boundaries: [262_144, 1024 * 1024],
    bigStream: 192 * 1024 * 1024,
    unfinished: async () => (await allFiles(root)).filter((name) => name.includes('.tmp-')).length,
  },
)

test('a blob is a file that cannot be written, in folders that only we can enter', async () => {
  const folder = newFolder()
  await filesystemStorage({ folder }).put('data/1/000001', Buffer.from('x'), never)
  assert.equal((await stat(join(folder, 'data/1/000001'))).mode & 0o777, 0o440)
  assert.equal((await stat(join(folder, 'data/1'))).mode & 0o777, 0o700)
  assert.deepEqual(await allFiles(folder), ['data', 'data/1', 'data/1/000001'])
})

test('the last removal of a folder takes the folders along, and not those in which something is left', async () => {
  const folder = newFolder()
  const storage = filesystemStorage({ folder })
  await storage.put('data/1/1', Buffer.from('x'), never)
  await storage.put('data/2/1', Buffer.from('x'), never)
  await storage.remove('data/1/1', never)
  assert.deepEqual(await allFiles(folder), ['data', 'data/2', 'data/2/1'])
  await storage.remove('data/2/1', never)
  assert.deepEqual(await allFiles(folder), [])
})

test('writers and removers of one folder do not disturb each other', async () => {
  const storage = filesystemStorage({ folder: newFolder() })
  const putAndRemove = async (worker: number): Promise<void> => {
    for (let round = 0; round < 100; round += 1) {
      await storage.put(`data/shared/${worker}`, Buffer.from('x'), never)
      await storage.remove(`data/shared/${worker}`, never)
    }
  }
  await Promise.all([1, 2, 3, 4].map(putAndRemove))
  assert.deepEqual(await namesOf(storage), [])
})

test('nothing but the sentinel is written to a folder without it', async () => {
  const folder = newFolder()
  const storage = openFilesystem(pathToFileURL(folder).href, { sentinel: 'holdfast.json' })
  const failure = await assertFails(storage.put('points/1', Buffer.from('x'), never), 'refused')
  assert.match(failure.hint ?? '', /mount the volume/)
  await assert.rejects(stat(folder), 'not even the folder was made')
  await storage.put('holdfast.json', Buffer.from('{}'), never)
  await storage.put('points/1', Buffer.from('x'), never)
  await rm(join(folder, 'holdfast.json'))
  await assertFails(storage.put('points/2', Buffer.from('x'), never), 'refused')
})

test('what is no blob is neither listed nor read nor followed', async () => {
  const folder = newFolder()
  const storage = filesystemStorage({ folder })
  await storage.put('data/1', Buffer.from('x'), never)
  await writeFile(join(root, 'secret'), 'of someone else')
  await symlink(join(root, 'secret'), join(folder, 'data/link'))
  await writeFile(join(folder, 'data/.hidden'), '')
  await writeFile(join(folder, 'data/with space'), '')
  await mkdir(join(folder, '.snapshot'))
  await writeFile(join(folder, '.snapshot/1'), '')
  assert.deepEqual(await namesOf(storage), ['data/1'])
  await assertFails(storage.get('data/link', never), 'notFound')
  await assertFails(storage.put('data/link', Buffer.from('x'), never), 'refused')
  assert.equal(await readFile(join(root, 'secret'), 'utf8'), 'of someone else')
})

test('tidy removes the temporary files of dead writers, and only those', async () => {
  const folder = newFolder()
  const storage = filesystemStorage({ folder })
  await storage.put('data/1', Buffer.from('x'), never)
  const dead = join(folder, 'data/.2.tmp-0123456789abcdef')
  const alive = join(folder, 'data/.3.tmp-0123456789abcdef')
  for (const path of [dead, alive, join(folder, 'data/.other')]) await writeFile(path, 'half')
  await utimes(dead, new Date(0), new Date(0))
  await utimes(join(folder, 'data/.other'), new Date(0), new Date(0))
  assert.equal(await storage.tidy?.(new Date(Date.now() - 86_400_000), never), 1)
  assert.deepEqual(await allFiles(folder), ['data', 'data/.3.tmp-0123456789abcdef', 'data/.other', 'data/1'])
})

test('a read of a file that was cut off meanwhile is corrupt', async () => {
  const folder = newFolder()
  const storage = filesystemStorage({ folder })
  await storage.put('blob', patternedBytes(1024 * 1024), never)
  const read = async (): Promise<void> => {
    for await (const chunk of await storage.get('blob', never)) {
      assert.ok(chunk.length > 0)
      await chmod(join(folder, 'blob'), 0o600)
      await writeFile(join(folder, 'blob'), 'short')
    }
  }
  await assertFails(read(), 'corrupt')
})

test('a file error of the producer is not taken for one of the storage', async () => {
  const error = Object.assign(new Error('no space left elsewhere'), { code: 'ENOSPC' })
  const storage = filesystemStorage({ folder: newFolder() })
  await assert.rejects(storage.put('blob', throwing(patternedBytes(10), error), never), (thrown) => thrown === error)
})

test('a blob whose name is the folder of another is refused', async () => {
  const storage = filesystemStorage({ folder: newFolder() })
  await storage.put('a/b', Buffer.from('x'), never)
  await assertFails(storage.put('a', streamed(Buffer.from('x')), never), 'refused')
  await assertFails(storage.put('a/b/c', streamed(Buffer.from('x')), never), 'refused')
})

test('only absolute folders can be opened', async () => {
  for (const url of ['file:relative', 'file://host/share', 'file:///', 'file:///a?b', 'file:///a%2Fb', '/srv']) {
    assert.throws(() => openFilesystem(url, {}), { kind: 'usage' })
  }
  assert.equal(openFilesystem('file:///srv/a%20b', {}).location, 'file:///srv/a%20b')
})
