import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { systemClock } from '../../../../system/clock.ts'
import { directEffects } from '../../../../system/effects.ts'
import { contentOf, openDumpFile } from './dump-file.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-dump-file-'))
after(() => rm(folder, { recursive: true, force: true }))
const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}

async function contentIn(bytes: Buffer, trusted = false): Promise<Buffer> {
  const path = join(folder, 'it')
  await writeFile(path, bytes)
  const chunks: Uint8Array[] = []
  for await (const chunk of contentOf(await openDumpFile(path, context), trusted, context)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Damage is said with the byte of the text up to which it was whole. */
async function damaged(bytes: Buffer, what: string): Promise<number> {
  const error: unknown = await contentIn(bytes).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof Failure, `${what} was taken`)
  assert.equal(error.kind, 'corrupt', what)
  const [, offset] = /^byte (\d+): .* cannot be decompressed to its end: ./.exec(error.message) ?? []
  assert.ok(offset !== undefined, `${what}: ${error.message}`)
  assert.equal(error.facts['byteOffset'], Number(offset))
  return Number(offset)
}

const LZ4_SAMPLE = 'BCJNGGRApxoAAABvLS0gYWJjBAAJHwojAP//////QlAgYWJjCgAAAAD5e1ZQ'
const text = Buffer.from(`-- a dump ${randomBytes(3000).toString('hex')}\n`)
const forms = { gzip: gzipSync, zstd: zstdCompressSync, lz4: lz4Stored } as const

/** A frame of LZ4 with one block that is stored as it is. */
function lz4Stored(content: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((content.length | 0x80000000) >>> 0)
  return Buffer.concat([Buffer.from('04224d186040', 'hex'), Buffer.from([0x82]), size, content, Buffer.alloc(4)])
}

for (const [name, compress] of Object.entries(forms)) {
  const whole = compress(text)

  test(`${name} is read, also in several parts`, async () => {
    assert.ok((await contentIn(whole)).equals(text))
    assert.ok((await contentIn(Buffer.concat([whole, whole]))).equals(Buffer.concat([text, text])))
  })

  test(`${name} that is cut off anywhere is refused`, async () => {
    for (let length = 8; length < whole.length; length += 97)
      assert.ok((await damaged(whole.subarray(0, length), `${length} of ${whole.length}`)) <= text.length)
    assert.equal(await damaged(Buffer.concat([whole, whole.subarray(0, 12)]), 'a second part'), text.length)
  })

  test(`what follows ${name} is refused`, async () => {
    for (const more of [Buffer.from('garbage'), Buffer.alloc(7), Buffer.concat([Buffer.alloc(1), whole])])
      assert.ok((await damaged(Buffer.concat([whole, more]), more.subarray(0, 7).toString('hex'))) <= text.length)
  })

  if (name !== 'lz4')
    test(`a bomb of ${name} is refused, unless who made it is trusted`, async () => {
      const bomb = compress(Buffer.alloc(80 * 2 ** 20, '--\n'))
      await assert.rejects(contentIn(bomb), { kind: 'refused', message: /unpacks to more than 300 times its size/ })
      assert.equal((await contentIn(bomb, true)).length, 80 * 2 ** 20)
    })
}

test('a file that ends before anything can be told of it is plain text', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('-'), Buffer.from([0x1f])])
    assert.ok((await contentIn(bytes)).equals(bytes))
})

test('with nothing behind it, a file of a folder is taken, and refused when it is there twice', async () => {
  for (const [name, compress] of Object.entries(forms)) {
    const path = join(folder, name)
    const read = async (bytes: Buffer): Promise<number> => {
      await writeFile(path, bytes)
      let length = 0
      const file = { ...(await openDumpFile(path, context)), single: true }
      for await (const chunk of contentOf(file, false, context)) length += chunk.length
      return length
    }
    assert.equal(await read(compress(text)), text.length)
    await assert.rejects(read(Buffer.concat([compress(text), compress(text)])), { kind: 'corrupt' }, name)
  }
})

test('blocks of LZ4 that point back over each other are read', async () => {
  // Made by `lz4 -BD` of this text, which repeats itself beyond a block.
  const repeated = Buffer.from('-- abc abc abc abc abc abc abc abc\n'.repeat(40))
  const frame = Buffer.from(LZ4_SAMPLE, 'base64')
  assert.ok((await contentIn(frame)).equals(repeated))
  for (let length = 7; length < frame.length; length += 1) await damaged(frame.subarray(0, length), `${length}`)
})
