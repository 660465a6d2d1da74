import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { unzstd } from './zstd-frames.ts'

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function decompress(bytes: Buffer, size = 65_536): Promise<Buffer> {
  const found: Uint8Array[] = []
  for await (const chunk of unzstd(chunks(bytes, size))) found.push(chunk)
  return Buffer.concat(found)
}

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
const parts = [
  Buffer.from('first'),
  Buffer.alloc(300_000, 'x'),
  randomBytes(200_000),
  Buffer.alloc(0),
  Buffer.from('a'.repeat(70_000) + 'b'),
]
const file = Buffer.concat([
  skippable,
  ...parts.map((part, index) => zstdCompressSync(part, index % 2 === 0 ? checked : {})),
  skippable,
])

test('all frames are read, wherever the chunks end', async () => {
  for (const size of [1000, 4097, 1 << 20])
    assert.ok((await decompress(file, size)).equals(Buffer.concat(parts)), `chunks of ${size}`)
  const small = Buffer.concat([zstdCompressSync(Buffer.from('one'), checked), zstdCompressSync(Buffer.from('two'))])
  for (const size of [1, 2, 3, 5]) assert.equal((await decompress(small, size)).toString(), 'onetwo')
})

test('a file that is cut off anywhere within a frame is refused', async () => {
  const small = Buffer.concat([
    zstdCompressSync(Buffer.from('one'.repeat(50)), checked),
    zstdCompressSync(randomBytes(100)),
  ])
  const border = zstdCompressSync(Buffer.from('one'.repeat(50)), checked).length
  for (let length = 1; length < small.length; length += 1)
    if (length !== border)
      await assert.rejects(decompress(small.subarray(0, length)), `${length} of ${small.length} bytes were taken`)
})

test('what is no frame, and a changed byte, are refused', async () => {
  await assert.rejects(
    decompress(Buffer.concat([zstdCompressSync(Buffer.from('one')), Buffer.from('something else')])),
    /no zstd frame/,
  )
  const changed = zstdCompressSync(Buffer.from('one'.repeat(1000)), checked)
  changed[changed.length - 1]! ^= 1
  await assert.rejects(decompress(changed))
})
