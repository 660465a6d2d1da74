import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { Difference } from '../../src/core/restore-point.ts'
import { compareTree } from '../../src/components/files/restore/compare.ts'
import { child, openFolder, withFolder } from '../../src/components/files/tree/folder.ts'
import { entriesOf } from '../../src/components/files/capture/listing.ts'
import { rightsHere } from '../../src/components/files/restore/load.ts'
import {
  capture,
  contextWith,
  MemoryArtifacts,
  settingsFor,
  temporaryFolder,
  type Capture,
} from '../../src/components/files/testing/trees.ts'
import { run } from '../../src/system/process/run.ts'

// The promise of docs/reference/format.md: after decryption, the stock tar of the machine reads the archive without Holdfast.

const context = contextWith()

async function tar(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await run({
    file: 'tar',
    args,
    environment: { TZ: 'UTC' },
    signal: context.signal,
    idleLimit: 30_000,
    totalLimit: 60_000,
  })
}

/** A tree with everything that needs more than the plain header. */
async function hardTree(folder: string): Promise<string> {
  const live = join(folder, 'live')
  const deep = join(live, 'd'.repeat(150), 'e'.repeat(150))
  await mkdir(deep, { recursive: true })
  await writeFile(join(deep, 'f'.repeat(200)), 'deep')
  await writeFile(join(live, 'größe\nzwei'), 'umlaut', { mode: 0o640 })
  await writeFile(join(live, 'big'), Buffer.alloc(2_500_000, 'x'))
  await link(join(live, 'big'), join(live, 'hard'))
  await symlink('../'.repeat(60), join(live, 'long link'))
  await writeFile(join(live, 'no rights'), 'x')
  await utimes(join(live, 'no rights'), 1_234_567_890.25, 1_234_567_890.25)
  await writeFile(join(live, 'sparse'), '')
  await truncate(join(live, 'sparse'), 1_000_000)
  const opened = await openFolder(live)
  await writeFile(child(opened, '\xff\xfe short'), 'bytes')
  await writeFile(child(opened, `\xff${'l'.repeat(180)}`), 'long bytes')
  await symlink(Buffer.from('\xff\xfe short', 'latin1'), child(opened, 'to bytes'))
  await opened.handle.close()
  const isRoot = (await rightsHere()).owners
  if (isRoot) await chown(join(live, 'no rights'), 4_000_000_000, 3_000_000)
  await chmod(join(live, 'no rights'), isRoot ? 0 : 0o400)
  return live
}

async function extracted(folder: string, captured: Capture): Promise<string> {
  await writeFile(join(folder, 'content.tar'), captured.artifacts.get('content'))
  await mkdir(join(folder, 'out'))
  await tar(
    '--extract',
    '--preserve-permissions',
    '--file',
    join(folder, 'content.tar'),
    '--directory',
    join(folder, 'out'),
  )
  return join(folder, 'out')
}

async function differences(root: string, { artifacts, details }: Capture): Promise<readonly Difference[]> {
  const rights = await rightsHere()
  return await withFolder(root, (opened) =>
    compareTree(opened, entriesOf(artifacts.read('entries'), details), { rights, extras: 'differ' }, context),
  )
}

test('stock tar brings back every name, content, mode, owner, link and time to the nanosecond', async (t) => {
  const folder = await temporaryFolder(t)
  const live = await hardTree(folder)
  const captured = await capture(settingsFor(live))
  const root = await extracted(folder, captured)
  assert.deepEqual(await differences(root, captured), [])
  const [before, after] = [
    await lstat(join(live, 'big'), { bigint: true }),
    await lstat(join(root, 'big'), { bigint: true }),
  ]
  assert.equal(after.mtimeNs, before.mtimeNs)
  assert.deepEqual(await readdir(root, { encoding: 'buffer' }), await readdir(live, { encoding: 'buffer' }))
})

test('stock tar lists the archive and complains of nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const captured = await capture(settingsFor(await hardTree(folder)))
  await writeFile(join(folder, 'content.tar'), captured.artifacts.get('content'))
  const { stdout, stderr } = await tar('--list', '--verbose', '--numeric-owner', '--file', join(folder, 'content.tar'))
  assert.equal(stdout.trimEnd().split('\n').length, captured.details.entries)
  assert.match(stdout, /^-[r-]-------- .* no rights$/m)
  assert.equal(stderr, '')
})

test('the later version of a file that changed wins in stock tar', async (t) => {
  const folder = await temporaryFolder(t)
  const live = join(folder, 'live')
  await mkdir(live)
  await writeFile(join(live, 'file'), Buffer.alloc(2_000_000, 'a'))
  let changed = false
  const artifacts = new MemoryArtifacts((role, bytes) => {
    if (role !== 'content' || changed || bytes < 1_000_000) return
    changed = true
    writeFileSync(join(live, 'file'), 'the later version')
  })
  const captured = await capture(settingsFor(live), artifacts)
  const root = await extracted(folder, captured)
  assert.equal(await readFile(join(root, 'file'), 'utf8'), 'the later version')
  assert.deepEqual(await differences(root, captured), [])
})
