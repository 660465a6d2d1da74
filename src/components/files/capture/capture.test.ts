import assert from 'node:assert/strict'
import { appendFileSync, truncateSync } from 'node:fs'
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import { isNothingThere } from '../../nothing-there.ts'
import { filesDriver } from '../driver.ts'
import { capture, contextWith, MemoryArtifacts, settingsFor, temporaryFolder, type Capture } from '../testing/trees.ts'

const MiB = 1024 * 1024

function paths({ artifacts }: Capture): string[] {
  return lines(artifacts).map(({ path }) => path)
}

function lines(artifacts: MemoryArtifacts): { path: string; type: string; size?: number; target?: string }[] {
  return artifacts
    .get('entries')
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; type: string })
}

const named = (captured: Capture, text: string): string | undefined =>
  captured.notCaptured.find((sentence) => sentence.includes(text))

test('a capture is complete, in walk order, and the same bytes each time', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'b'))
  await writeFile(join(folder, 'b', 'x'), 'x')
  await writeFile(join(folder, 'b!'), '!')
  await writeFile(join(folder, 'a'), 'a')
  await link(join(folder, 'a'), join(folder, 'c'))
  await link(join(folder, 'a'), join(folder, 'e'))
  await symlink('nowhere', join(folder, 'd'))
  const [first, second] = [await capture(settingsFor(folder)), await capture(settingsFor(folder))]
  assert.deepEqual(paths(first), ['.', 'a', 'b', 'b/x', 'b!', 'c', 'd', 'e'])
  assert.deepEqual(first.artifacts.get('content'), second.artifacts.get('content'))
  assert.deepEqual(first.details, second.details)
  assert.deepEqual(
    [first.details.entries, first.details.files, first.details.bytes, first.details.escapingLinks.count],
    [8, 3, 3, 0],
  )
  for (const index of [5, 7]) assert.equal(lines(first.artifacts)[index]?.target, 'a')
  await filesDriver.examine(first.details, first.artifacts, contextWith())
})

test('patterns select; folders above what is selected come along, others do not', async (t) => {
  const folder = await temporaryFolder(t)
  for (const name of ['keys/deep', 'logs', 'other/empty', 'cache']) await mkdir(join(folder, name), { recursive: true })
  for (const name of ['keys/deep/ca.key', 'keys/deep/ca.log', 'logs/x', 'other/x', 'cache/x', '.env', 'x.key'])
    await writeFile(join(folder, name), '')
  const of = async (include: string[] | undefined, exclude: string[]): Promise<string[]> =>
    paths(await capture(settingsFor(folder, { ...(include === undefined ? {} : { include }), exclude })))
  assert.deepEqual(await of(['*.key', '.env'], []), ['.', '.env', 'keys', 'keys/deep', 'keys/deep/ca.key', 'x.key'])
  assert.deepEqual(await of(['/x.key', 'logs/'], []), ['.', 'logs', 'logs/x', 'x.key'])
  assert.deepEqual(await of(['keys'], ['*.log']), ['.', 'keys', 'keys/deep', 'keys/deep/ca.key'])
  assert.deepEqual(await of(undefined, ['x', 'keys/**', 'cache', '/other']), ['.', '.env', 'logs', 'x.key'])
})

test('what an archive cannot hold is named', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, '.holdfast-r-0123abcd'))
  const server = createServer().listen(join(folder, 'app.sock'))
  t.after(() => server.close())
  const captured = await capture(settingsFor(folder))
  assert.deepEqual(paths(captured), ['.'])
  assert.match(named(captured, 'socket') ?? '', /app\.sock/)
  assert.match(named(captured, 'in-place restore') ?? '', /\.holdfast-r-0123abcd/)
})

test('links are captured as links: nothing outside the folder is read', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'in'))
  await mkdir(join(folder, 'out'))
  await writeFile(join(folder, 'out', 'secret'), 'secret')
  await symlink('../out', join(folder, 'in', 'link'))
  const captured = await capture(settingsFor(join(folder, 'in')))
  assert.deepEqual(paths(captured), ['.', 'link'])
  assert.deepEqual(captured.details.escapingLinks, { count: 1, examples: ['link -> ../out'] })
  await assert.rejects(capture(settingsFor(join(folder, 'in', 'link'))), (error) => isFailure(error, 'refused'))
})

/** Changes a file whenever the archive has given another mebibyte, at most so often. */
function changing(times: number, change: () => void): MemoryArtifacts {
  let [left, next] = [times, MiB]
  return new MemoryArtifacts((role, bytes) => {
    if (role !== 'content' || left === 0 || bytes < next) return
    left -= 1
    next = bytes + MiB
    change()
  })
}

test('a large file that changes once while it is read is read again, and the last version counts', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'big')
  await writeFile(path, Buffer.alloc(3 * MiB, 'a'))
  const captured = await capture(
    settingsFor(folder),
    changing(1, () => appendFileSync(path, 'more')),
  )
  assert.equal(lines(captured.artifacts)[1]?.size, 3 * MiB + 4)
  assert.equal(named(captured, 'was written while'), undefined)
  assert.ok(captured.artifacts.get('content').length > 6 * MiB, 'both versions are in the archive')
  await filesDriver.examine(captured.details, captured.artifacts, contextWith())
})

test('a file that changes during every attempt is named, and the archive is still whole', async (t) => {
  for (const change of [
    (path: string) => appendFileSync(path, 'grow'),
    (path: string) => truncateSync(path, 2 * MiB),
  ]) {
    const folder = await temporaryFolder(t)
    const path = join(folder, 'big')
    await writeFile(path, Buffer.alloc(5 * MiB, 'a'))
    const captured = await capture(
      settingsFor(folder),
      changing(99, () => change(path)),
    )
    assert.match(named(captured, 'was written while') ?? '', /: big$/)
    await filesDriver.examine(captured.details, captured.artifacts, contextWith())
  }
})

test('a sparse file has its real size', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'sparse'), 'x')
  await truncate(join(folder, 'sparse'), 4 * MiB + 1)
  const captured = await capture(settingsFor(folder))
  assert.equal(captured.details.bytes, 4 * MiB + 1)
})

test('the failure of the archive is the failure of the capture, and the list fails with it', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'a'), 'a')
  const endings: string[] = []
  const sink = {
    async write(role: string, _kind: string, content: AsyncIterable<Uint8Array>): Promise<void> {
      for await (const _chunk of content) if (role === 'content') throw new Error('storage is gone')
      endings.push(role)
    },
  }
  await assert.rejects(filesDriver.capture(settingsFor(folder), sink, contextWith()), /storage is gone/)
  assert.deepEqual(endings, [])
})

test('the failure of the list is the failure of the capture, whether it was read or not', async (t) => {
  const folder = await temporaryFolder(t)
  for (let index = 0; index < 2000; index += 1) await writeFile(join(folder, `${'n'.repeat(100)}${index}`), '')
  const finished: string[] = []
  for (const chunks of [0, 1]) {
    const sink = {
      async write(role: string, _kind: string, content: AsyncIterable<Uint8Array>): Promise<void> {
        if (role === 'entries' && chunks === 0) throw new Error('storage is gone')
        for await (const _chunk of content) if (role === 'entries') throw new Error('storage is gone')
        finished.push(role)
      },
    }
    await assert.rejects(filesDriver.capture(settingsFor(folder), sink, contextWith()), /storage is gone/)
  }
  assert.deepEqual(finished, [], 'an archive without its list is not read to the end')
})

test('of a folder that is not there nothing is to be saved', async (t) => {
  const folder = await temporaryFolder(t)
  await assert.rejects(capture(settingsFor(join(folder, 'gone'))), isNothingThere)
})

test('a cancelled capture stops with cancelled', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'a'), 'a')
  const context = { ...contextWith(), signal: AbortSignal.abort() }
  await assert.rejects(filesDriver.capture(settingsFor(folder), new MemoryArtifacts(), context), (error) =>
    isFailure(error, 'cancelled'),
  )
})

test('check says what a backup would meet', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'a'), 'abc')
  const levels = async (path: string, more = {}): Promise<string[]> =>
    (await filesDriver.check(settingsFor(path, more), contextWith())).map(({ level, message }) => `${level} ${message}`)
  assert.ok((await levels(folder)).includes('ok 1 entries, 3 bytes'))
  assert.deepEqual(await levels(join(folder, 'a')), ['error is not a folder'])
  assert.deepEqual(await levels(join(folder, 'none')), ['error is not there'])
  assert.ok((await levels(folder, { exclude: ['*'] })).includes('warning holds nothing that would be captured'))
})

test('settings take plain absolute folders only', () => {
  for (const path of ['relative', '/', '/a/', '/a/../b', '/a//b'])
    assert.equal(filesDriver.settings.safeParse({ kind: 'files', path }).success, false, path)
})
