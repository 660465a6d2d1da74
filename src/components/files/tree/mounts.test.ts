import assert from 'node:assert/strict'
import test from 'node:test'
import { mountPointsIn } from './mounts.ts'

const table = `22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 8:2 / /srv/my\\040data rw - ext4 /dev/sdb1 rw
31 30 8:1 /inner /srv/my\\040data/inner rw - ext4 /dev/sda1 rw
32 22 8:3 / /srv/my rw - tmpfs tmpfs rw
`

test('mount points at or below a folder are found, neighbours are not', () => {
  assert.deepEqual(mountPointsIn(table, '/srv/my data'), ['/srv/my data', '/srv/my data/inner'])
  assert.deepEqual(mountPointsIn(table, '/srv/my'), ['/srv/my'])
  assert.deepEqual(mountPointsIn(table, '/srv'), ['/srv/my', '/srv/my data', '/srv/my data/inner'])
  assert.deepEqual(mountPointsIn(table, '/etc'), [])
})
