import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../system/clock.ts'
import { run } from '../../system/process/run.ts'
import { namesOf, never, patternedBytes, streamed } from '../testing/bodies.ts'
import { assertFails } from '../testing/contract.ts'
import { fileFailure, linkFailure } from './failures.ts'
import { filesystemStorage } from './filesystem.ts'

const MEBIBYTE = 1024 * 1024
const isRoot = process.getuid?.() === 0

async function withFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-full-'))
  try {
    await act(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function mount(file: string, args: readonly string[]): Promise<unknown> {
  return run({ file, args, signal: never, idleLimit: 10_000, totalLimit: 10_000 })
}

/** A file system of one mebibyte. Only root may mount one; for others the table of codes below is all that is tested. */
async function withFullMedium(act: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await mount('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'holdfast-test', folder])
    try {
      await act(folder)
    } finally {
      await mount('umount', [folder])
    }
  })
}

if (isRoot) {
  test('a medium that fills up refuses the blob, leaves nothing of it, and goes on when there is space', async () => {
    await withFullMedium(async (folder) => {
      const storage = filesystemStorage({ folder })
      await storage.put('kept', patternedBytes(300_000), never)
      const failure = await assertFails(
        storage.put('data/large', streamed(patternedBytes(2 * MEBIBYTE)), never),
        'refused',
      )
      assert.match(failure.message, /no space left \(ENOSPC\)/)
      assert.deepEqual((await readdir(folder, { recursive: true })).toSorted(), ['data', 'kept'])
      await storage.put('data/small', patternedBytes(500_000), never)
      assert.deepEqual(await namesOf(storage), ['data/small', 'kept'])
    })
  })

  test('a medium that is mounted read-only is denied', async () => {
    await withFullMedium(async (folder) => {
      const storage = filesystemStorage({ folder })
      await storage.put('there', Buffer.from('x'), never)
      await mount('mount', ['-o', 'remount,ro', folder])
      await assertFails(storage.put('blob', Buffer.from('x'), never), 'denied')
      await assertFails(storage.remove('there', never), 'denied')
      assert.ok((await storage.now(never)) <= systemClock.now())
      assert.deepEqual(await namesOf(storage), ['there'])
    })
  })
} else {
  test('a folder that we may not write is denied', async () => {
    await withFolder(async (folder) => {
      await chmod(folder, 0o500)
      await assertFails(filesystemStorage({ folder }).put('blob', Buffer.from('x'), never), 'denied')
    })
  })
}

test('the codes of the system become the failures that say what to do', () => {
  const kindOf = (code: string): string => fileFailure(Object.assign(new Error('x'), { code }), 'put a', '/srv').kind
  const expected = {
    ENOSPC: 'refused',
    EDQUOT: 'refused',
    EFBIG: 'refused',
    EMFILE: 'refused',
    ENFILE: 'refused',
    ENOMEM: 'refused',
    EACCES: 'denied',
    EPERM: 'denied',
    EROFS: 'denied',
    EIO: 'unreachable',
    ESTALE: 'unreachable',
  }
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((code) => [code, kindOf(code)])), expected)
  assert.equal(linkFailure(Object.assign(new Error('x'), { code: 'EPERM' }), 'put a', '/srv').kind, 'unsupported')
  assert.equal(linkFailure(Object.assign(new Error('x'), { code: 'ENOSPC' }), 'put a', '/srv').kind, 'refused')
  assert.equal(fileFailure(new Error('a defect'), 'put a', '/srv').kind, 'bug')
})
