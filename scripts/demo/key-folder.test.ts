import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { lstat, mkdtemp, readFile, readdir, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeKeyFolder } from './key-folder.ts'

const base = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
after(() => rm(base, { recursive: true, force: true }))

test('the folder holds what a files component must bring back', async () => {
  const folder = join(base, 'keys')
  const { files, bytes } = await makeKeyFolder(folder)
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const plain = await Promise.all(
    found.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name))),
  )
  const inodes = new Map(plain.map((info) => [info.ino, info.size]))
  assert.equal(inodes.size, files)
  assert.equal(
    [...inodes.values()].reduce((sum, size) => sum + size, 0),
    bytes,
  )

  assert.equal((await stat(join(folder, 'tls/ca.key'))).mode & 0o777, 0o600)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  assert.equal(await readlink(join(folder, 'tls/trust.crt')), 'ca.crt')
  assert.equal((await stat(join(folder, 'jwt/signing.pem'))).nlink, 2)
  const sparse = await lstat(join(folder, 'tls/ledger.bin'))
  assert.ok(sparse.size === 16 * 1024 * 1024 && sparse.blocks * 512 < sparse.size / 4, `${sparse.blocks} blocks`)
  const key = createPrivateKey(await readFile(join(folder, 'tls/old/clé privée №1.pem')))
  assert.equal(key.asymmetricKeyType, 'ed25519')
})

test('a folder that exists is left alone', async () => {
  await assert.rejects(makeKeyFolder(base), { code: 'EEXIST' })
  assert.deepEqual(
    (await readdir(base)).filter((name) => name !== 'keys'),
    [],
  )
})
