import assert from 'node:assert/strict'
import test from 'node:test'
import { filesDriver } from '../../src/components/files/driver.ts'
import { mountsAt } from '../../src/components/files/tree/mounts.ts'
import type { FilesDetails } from '../../src/components/files/schema.ts'
import { capture, contextWith, settingsFor } from '../../src/components/files/testing/trees.ts'

// On every Linux machine and in every container, /dev has other file systems mounted in it.

const context = contextWith()

test('what is mounted inside a folder is named and not captured', async () => {
  const captured = await capture(settingsFor('/dev', { include: ['/pts', '/shm'] }))
  assert.equal(captured.details.entries, 1)
  assert.match(captured.notCaptured.join('\n'), /on another file system is not captured: .*pts/)
})

test('a mount point, or a folder with one inside, is not swapped', async () => {
  for (const [path, message] of [
    ['/dev/pts', /is a mount point/],
    ['/dev', /mount point|mounted inside it, at \/dev\/pts/],
  ] as const) {
    const target = await filesDriver.open(settingsFor(path), { mode: 'swap', restoreId: '00000000' }, context)
    const details: FilesDetails = {
      path,
      root: { mode: 0, uid: 0, gid: 0 },
      exclude: ['*'],
      entries: 1,
      files: 0,
      bytes: 0,
      largestFile: 0,
      entriesSha256: '0'.repeat(64),
      users: [],
      groups: [],
      escapingLinks: { count: 0, examples: [] },
    }
    const errors = (await target.preflight(details, context))
      .filter(({ level }) => level === 'error')
      .map((finding) => finding.message)
    assert.match(errors.join('\n'), message)
  }
  assert.ok((await mountsAt('/dev')).includes('/dev/pts'))
})
