import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { pack, type Header } from 'tar-stream'
import { isFailure } from '../../../core/failure.ts'
import { filesDriver } from '../driver.ts'
import { entryLine, type FileEntry } from './entry.ts'
import type { FilesDetails } from '../schema.ts'
import { MemoryArtifacts, contextWith, settingsFor, temporaryFolder } from '../testing/trees.ts'

/** Restores an archive and list that somebody made by hand into a fresh scratch folder beside files of others. */
async function attack(
  t: TestContext,
  content: Buffer,
  entries: readonly FileEntry[],
  raw = entries.map(entryLine).join(''),
): Promise<{ error: unknown; folder: string }> {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'scratch'))
  await writeFile(join(folder, 'victim'), 'untouched')
  const artifacts = new MemoryArtifacts()
  artifacts.set('content', content)
  artifacts.set('entries', Buffer.from(raw))
  const details = {
    entries: entries.length,
    entriesSha256: createHash('sha256').update(raw).digest('hex'),
    bytes: 0,
  } as FilesDetails
  const target = await filesDriver.open(
    settingsFor(join(folder, 'live')),
    { mode: 'scratch', restoreId: '00000000', scratchFolder: join(folder, 'scratch') },
    contextWith(),
  )
  const error = await target.load(details, artifacts, contextWith()).then(
    () => undefined,
    (failure: unknown) => failure,
  )
  assert.equal(await readFile(join(folder, 'victim'), 'utf8'), 'untouched')
  assert.deepEqual((await readdir(folder)).sort(), ['scratch', 'victim'])
  return { error, folder }
}

async function tar(...entries: (Partial<Header> & { name: string; content?: string })[]): Promise<Buffer> {
  const archive = pack()
  for (const { content, ...header } of entries) archive.entry(header, content ?? '')
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const facts = { mode: 0o700, uid: 0, gid: 0, mtime: 0n }
const root: FileEntry = { ...facts, path: '.', type: 'directory' }
const rootHeader = { name: './', type: 'directory' } as const
const file = (path: string, content = ''): FileEntry => ({
  ...facts,
  path,
  type: 'file',
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
})
const corrupt = (error: unknown, about: string): void =>
  assert.ok(isFailure(error, 'corrupt'), `${about}: ${String(error)}`)

test('an honest archive made by another writer is restored', async (t) => {
  const content = await tar(rootHeader, { name: 'a', content: 'x' })
  assert.equal((await attack(t, content, [root, file('a', 'x')])).error, undefined)
})

test('an archive with an entry that its list has not is refused, whatever the entry is', async (t) => {
  const intruders: (Partial<Header> & { name: string; content?: string })[] = [
    { name: '../victim', content: 'x' },
    { name: '/etc/holdfast-victim', content: 'x' },
    { name: 'a/../../victim', content: 'x' },
    { name: 'device', type: 'character-device', devmajor: 1, devminor: 3 },
    { name: 'pipe', type: 'fifo' },
    { name: 'link', type: 'symlink', linkname: '../..' },
    { name: 'hard', type: 'link', linkname: '../../victim' },
    { name: 'a', content: 'other' },
  ]
  for (const intruder of intruders)
    corrupt((await attack(t, await tar(rootHeader, intruder), [root, file('a')])).error, intruder.name)
})

test('a file that is listed below a link is refused, and a link is not there while files are written', async (t) => {
  const list = [root, { ...facts, path: 'l', type: 'symlink', target: '../..' } as const, file('l/victim', 'x')]
  const content = await tar(
    rootHeader,
    { name: 'l', type: 'symlink', linkname: '../..' },
    { name: 'l/victim', content: 'x' },
  )
  corrupt((await attack(t, content, list)).error, 'below a link')
})

test('a hard link to what is outside or reached through a link is refused', async (t) => {
  const outside = entryLine({ ...facts, path: 'h', type: 'link', target: 'x/victim' }).replace(
    'x/victim',
    '../../../victim',
  )
  const content = await tar(rootHeader, { name: 'h', type: 'link', linkname: '../../../victim' })
  corrupt((await attack(t, content, [root, root], `${entryLine(root)}${outside}`)).error, 'outside')

  const through: FileEntry[] = [
    root,
    { ...facts, path: 'a', type: 'symlink', target: '../../..' },
    { ...facts, path: 'h', type: 'link', target: 'a/victim' },
  ]
  const second = await tar(
    rootHeader,
    { name: 'a', type: 'symlink', linkname: '../../..' },
    { name: 'h', type: 'link', linkname: 'a/victim' },
  )
  assert.ok((await attack(t, second, through)).error !== undefined)
})

test('a file twice, without the mark of a second version, is refused; more versions than attempts too', async (t) => {
  const twice = { name: 'a', content: 'x' }
  corrupt((await attack(t, await tar(rootHeader, twice, twice), [root, file('a', 'x')])).error, 'twice')
  const version = (number: number): typeof twice =>
    ({ ...twice, pax: { comment: `version ${number}` } }) as typeof twice
  assert.equal(
    (await attack(t, await tar(rootHeader, twice, version(2), version(3)), [root, file('a', 'x')])).error,
    undefined,
  )
  corrupt((await attack(t, await tar(rootHeader, twice, version(3)), [root, file('a', 'x')])).error, 'jump')
  corrupt(
    (await attack(t, await tar(rootHeader, twice, version(2), version(3), version(4)), [root, file('a', 'x')])).error,
    'four',
  )
  corrupt((await attack(t, await tar(rootHeader, version(2)), [root, file('a', 'x')])).error, 'second first')
})

test('content, size, order and type must be those of the list', async (t) => {
  const list = [root, file('a', 'x'), file('b', 'y')]
  const [a, b] = [
    { name: 'a', content: 'x' },
    { name: 'b', content: 'y' },
  ]
  assert.equal((await attack(t, await tar(rootHeader, a, b), list)).error, undefined)
  corrupt((await attack(t, await tar(rootHeader, a, { ...b, content: 'z' }), list)).error, 'content of the last')
  corrupt((await attack(t, await tar(rootHeader, { ...a, content: 'xx' }, b), list)).error, 'size')
  corrupt((await attack(t, await tar(rootHeader, b, a), list)).error, 'order')
  corrupt((await attack(t, await tar(rootHeader, a, { ...b, name: 'c' }), list)).error, 'name')
  corrupt((await attack(t, await tar(rootHeader, a), list)).error, 'missing')
  corrupt((await attack(t, await tar(rootHeader, a, { name: 'b', type: 'directory' }), list)).error, 'type')
})

test('an archive that is cut off anywhere is refused', async (t) => {
  const list = [root, file('a', 'x'.repeat(600)), file('b', 'y')]
  const whole = await tar(rootHeader, { name: 'a', content: 'x'.repeat(600) }, { name: 'b', content: 'y' })
  for (const length of [0, 100, 512, 900, 1024, 1200, 1536, 2048, 2200, 2559])
    corrupt((await attack(t, whole.subarray(0, length), list)).error, `${length} bytes`)
})

test('the error of whoever gives the bytes is thrown on, not one about the archive', async () => {
  const artifacts = new MemoryArtifacts()
  const whole = await tar(rootHeader, { name: 'a', content: 'x'.repeat(2000) })
  const list = [root, file('a', 'x'.repeat(2000))]
  const text = list.map(entryLine).join('')
  artifacts.set('entries', Buffer.from(text))
  const source = {
    roles: ['content', 'entries'],
    sizeOf: () => whole.length,
    async *read(role: string): AsyncGenerator<Uint8Array> {
      if (role === 'entries') {
        yield* artifacts.read(role)
        return
      }
      yield whole.subarray(0, 1100)
      throw new Error('a chunk is not authentic')
    },
  }
  const details = { entries: 2, entriesSha256: createHash('sha256').update(text).digest('hex') } as FilesDetails
  await assert.rejects(filesDriver.examine(details, source, contextWith()), /a chunk is not authentic/)
})
