import assert from 'node:assert/strict'
import test from 'node:test'
import { extract, type Header } from 'tar-stream'
import type { FileEntry } from './entry.ts'
import { endOfArchive, tarHeader } from './tar-header.ts'

const plain: FileEntry = { type: 'directory', path: 'a', mode: 0o755, uid: 1, gid: 2, mtime: 1_000_000_000n }

async function read(entry: FileEntry, size = 0): Promise<Header> {
  const archive = extract()
  archive.end(Buffer.concat([tarHeader(entry, size), Buffer.alloc(Math.min(size, 512)), endOfArchive()]))
  for await (const { header } of archive) return header
  throw new Error('no entry')
}

const paxOf = (header: Header): Record<string, string> => (header.pax ?? {}) as Record<string, string>

test('what fits the ustar fields needs no extended header', async () => {
  const header = await read({ ...plain, user: 'u', group: 'g' })
  assert.equal(tarHeader(plain, 0).length, 512)
  assert.deepEqual(
    [header.name, header.mode, header.uid, header.gid, header.uname, header.gname, header.mtime.getTime()],
    ['a/', 0o755, 1, 2, 'u', 'g', 1000],
  )
})

test('mode 0 stays mode 0', async () => {
  assert.equal((await read({ ...plain, mode: 0 })).mode, 0)
})

test('long and non-ASCII names, owners, sizes and times go into extended records', async () => {
  const long = `${'d/'.repeat(120)}x`
  const header = await read({
    ...plain,
    path: long,
    uid: 3_000_000_000,
    user: 'ünï',
    mtime: -1_500_000_000n,
    type: 'file',
    size: 0,
    sha256: '',
  })
  assert.equal(header.name, long)
  assert.deepEqual(
    { uid: paxOf(header)['uid'], uname: paxOf(header)['uname'], mtime: paxOf(header)['mtime'] },
    { uid: '3000000000', uname: 'ünï', mtime: '-1.500000000' },
  )
})

test('a record counts its own length, also where the count gets a digit longer', async () => {
  for (let length = 85; length < 130; length += 1) {
    const path = 'é'.repeat(length)
    const raw = Buffer.from(path).toString('latin1')
    assert.equal((await read({ ...plain, type: 'symlink', path: raw, target: raw })).linkname, path)
  }
})

test('sizes above 8 GiB are in a record', () => {
  const text = tarHeader({ ...plain, type: 'file', size: 2 ** 40, sha256: '' }, 2 ** 40).toString('latin1')
  assert.ok(text.includes(`22 size=${2 ** 40}\n`))
})

test('names that are not UTF-8 are in a record byte for byte, whatever their length', () => {
  for (const path of ['\xff\xfe', `\xff${'l'.repeat(180)}`, '\xc3\xa9'.repeat(60)]) {
    const target = `${path}$&`
    const bytes = tarHeader({ ...plain, type: 'symlink', path, target }, 0).toString('latin1')
    for (const value of [` path=${path}\n`, ` linkpath=${target}\n`]) assert.ok(bytes.includes(value), value)
  }
})
