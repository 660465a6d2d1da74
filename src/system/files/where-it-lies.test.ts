import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { fileSystemOf, placeOfPath, placeOfServer } from './where-it-lies.ts'

const TABLE = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /srv rw shared:2 - ext4 /dev/sdb1 rw
41 40 0:36 / /srv/my\\040share rw - nfs4 server:/share rw`

test('the deepest mount above a path says its file system', () => {
  assert.equal(fileSystemOf('/etc', TABLE), 'ext4')
  assert.equal(fileSystemOf('/srv/my share/backups', TABLE), 'nfs4')
  assert.equal(fileSystemOf('/srv/my shares', TABLE), 'ext4')
  assert.equal(fileSystemOf('/', ''), undefined)
})

test('what is on this host is known by its paths, names and addresses', async () => {
  const place = await placeOfPath('/proc/../etc/not/there')
  assert.equal(place.host, 'this host')
  assert.match(place.disk ?? '', /^\d+$/)
  for (const host of ['localhost', '127.0.0.1', '::1', '[::1]', hostname(), '/run/postgresql'])
    assert.deepEqual(placeOfServer(host), { host: 'this host' }, host)
  assert.deepEqual(placeOfServer('db.example.org'), {})
  assert.deepEqual(placeOfServer('minio.storage.svc.cluster.local'), { cluster: 'Kubernetes' })
})
