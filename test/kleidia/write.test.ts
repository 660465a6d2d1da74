import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { readFile, writeFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Secret } from '../../src/core/secret.ts'
import { bytesOf, collect } from '../../src/repository/documents/bytes.ts'
import { composeKleidia } from '../../src/interop/kleidia-v1/write/compose-kleidia.ts'
import { LONGEST_SQL, type KleidiaContent } from '../../src/interop/kleidia-v1/format/kleidia-content.ts'
import { kleidiaKey } from '../../src/interop/kleidia-v1/format/key.ts'
import { readSecretLines, secretLine, type KeptSecret } from '../../src/interop/kleidia-v1/format/secret-lines.ts'
import { writeKleidiaFile } from '../../src/interop/kleidia-v1/write/write-kleidia-file.ts'
import {
  inFolder,
  sampleContext,
  secretPassword,
  sha256,
  sourceFor,
} from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia } from '../../src/interop/kleidia-v1/read/unpack.ts'

const context = sampleContext()
const created = new Date('2026-01-17T12:00:00.987Z')
const randomness = { salt: Buffer.alloc(32, 3), nonce: Buffer.alloc(12, 4) }

async function* secretsOf(...all: readonly (readonly [string, string])[]): AsyncIterable<KeptSecret> {
  for (const [path, json] of all) yield { path, json: new Secret(json) }
}

function contentOf(sql: string | Buffer, ...secrets: readonly (readonly [string, string])[]): KleidiaContent {
  const bytes = Buffer.from(sql)
  // In two pieces, cut where a character of several bytes may be.
  const half = bytes.length >> 1
  const content = bytesOf(bytes.subarray(0, half), bytes.subarray(half))
  return { created, includesAudit: true, sql: { size: bytes.length, content }, secrets: secretsOf(...secrets) }
}

async function composed(content: KleidiaContent, fixed?: typeof randomness): Promise<Buffer> {
  return await inFolder(async (folder) => {
    const file = await composeKleidia(content, secretPassword, folder, context, fixed)
    try {
      const bytes = await collect(file.content(), 2 ** 30, 'file')
      assert.equal(bytes.length, file.size)
      assert.deepEqual(await readdir(folder), [], 'the spool file has a name')
      return bytes
    } finally {
      await file.close()
    }
  })
}

test('every byte is where the documentation has it', async () => {
  const file = await composed(contentOf("select 'ü\"\\\n';", ['b', '{"n": 1.10}'], ['a', '{}']), randomness)
  assert.equal(file.subarray(0, 17).toString('latin1'), 'KLEIDIA_BACKUP_V1')
  const length = file.readUInt32BE(17)
  const ciphertext = file.subarray(65 + length)
  assert.equal(
    file.subarray(21, 21 + length).toString(),
    `{"version":1,"created_at":"2026-01-17T12:00:00Z","backup_type":"full","checksum":"${sha256(ciphertext).toString('hex')}","includes_db":true,"includes_kv":true,"includes_audit":true}`,
  )
  assert.deepEqual(file.subarray(21 + length, 53 + length), randomness.salt)
  assert.deepEqual(file.subarray(53 + length, 65 + length), randomness.nonce)
  const decipher = createDecipheriv('aes-256-gcm', await kleidiaKey(secretPassword, randomness.salt), randomness.nonce)
  decipher.setAuthTag(ciphertext.subarray(-16))
  const packed = Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()])
  assert.equal(
    gunzipSync(packed).toString(),
    '{"header":{"version":1,"created_at":"2026-01-17T12:00:00Z","backup_type":"full","includes_db":true,"includes_kv":true,"includes_audit_logs":true},"database_sql":"select \'ü\\"\\\\\\n\';","vault_secrets":{"b":{"n":1.10},"a":{}}}',
  )
})

test('salt and nonce are new every time', async () => {
  const [one, other] = [await composed(contentOf('x')), await composed(contentOf('x'))]
  const at = 21 + one.readUInt32BE(17)
  assert.notDeepEqual(one.subarray(at, at + 32), other.subarray(at, at + 32))
  assert.notDeepEqual(one.subarray(at + 32, at + 44), other.subarray(at + 32, at + 44))
})

test('one part alone says so in both headers', async () => {
  const file = await composed({ ...contentOf('', ['a', '{}']), sql: undefined })
  await inFolder(async (folder) => {
    const request = { source: sourceFor(file), password: secretPassword }
    const { sql, contents } = await unpackKleidia(request, join(folder, 'out'), context)
    assert.equal(sql, undefined)
    assert.equal(contents.truth.backupType, 'vault-only')
    assert.deepEqual(contents.disagreements, [])
  })
})

test('what was written is read again, whatever it is', { timeout: 300_000 }, async () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }))
  const secrets = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), object), {
    selector: ([path]) => path,
    maxLength: 5,
  })
  // A string of code points has no half pairs; SQL of no length is no SQL.
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), secrets, async (sql, all) => {
      const texts = all.map(([path, value]) => [path, JSON.stringify(value)] as const)
      const file = await composed(contentOf(sql, ...texts))
      await inFolder(async (folder) => {
        const request = { source: sourceFor(file), password: secretPassword }
        const unpacked = await unpackKleidia(request, join(folder, 'out'), context)
        assert.equal(await readFile(unpacked.sql?.path ?? '', 'utf8'), sql)
        const found: [string, string][] = []
        for await (const { path, json } of readSecretLines(unpacked.secrets?.path ?? '', context.signal))
          found.push([path, json.reveal()])
        assert.deepEqual(found, texts)
      })
    }),
    // A byte order mark is a character like others here.
    { numRuns: 15, examples: [['\u{feff}select 1', []]] },
  )
})

test('numbers go out and come in digit by digit', async () => {
  const numbers =
    '{"big":1e400,"small":-1E-400,"zero":-0,"long":3.14159265358979323846264338327950288,"count":123456789012345678901234567890,"kept":1.10}'
  const file = await composed(contentOf('x', ['a', numbers]))
  await inFolder(async (folder) => {
    const request = { source: sourceFor(file), password: secretPassword }
    const { secrets } = await unpackKleidia(request, join(folder, 'out'), context)
    for await (const { json } of readSecretLines(secrets?.path ?? '', context.signal))
      assert.equal(json.reveal(), numbers)
    assert.equal(await readFile(secrets?.path ?? '', 'utf8'), `{"path":"a","data":${numbers}}\n`)
  })
})

async function refused(content: KleidiaContent, message: RegExp, kind = 'refused'): Promise<void> {
  await inFolder(async (folder) => {
    await assert.rejects(composeKleidia(content, secretPassword, folder, context), (error: Error) => {
      assert.match(error.message, message)
      assert.equal('kind' in error && error.kind, kind)
      return true
    })
  })
}

test('what the format cannot hold is refused', async () => {
  await refused({ ...contentOf('x'), sql: { size: LONGEST_SQL + 1, content: bytesOf() } }, /more than 268435456 bytes/)
  await refused(contentOf(Buffer.from([0x61, 0xff])), /not UTF-8/)
  await refused(contentOf(Buffer.from('ü').subarray(0, 1)), /not UTF-8/)
  await refused(contentOf('x', ['a', '{}'], ['a', '{}']), /secret "a" is there twice/)
  for (const json of ['1', '[]', '"x"']) await refused(contentOf('x', ['a', json]), /secret "a" is no JSON object/)
  for (const json of ['', '{', '{}{}', '{"k":1,"k":2}'])
    await refused(contentOf('x', ['a', json]), /secret "a"/, 'corrupt')
  await refused({ ...contentOf('x'), sql: undefined, secrets: undefined }, /neither/, 'usage')
})

test('SQL that grows beyond what it said is refused', { timeout: 120_000 }, async () => {
  const piece = Buffer.alloc(2 ** 20, 0x61)
  async function* much(): AsyncGenerator<Uint8Array, void, void> {
    for (let count = 0; count <= 256; count += 1) yield piece
  }
  await refused({ ...contentOf('x'), sql: { size: 1, content: much() } }, /more than 268435456 bytes/)
})

test('a file is read back before it has its name, and replaces nothing', async () => {
  await inFolder(async (folder) => {
    const request = { path: join(folder, 'a.enc'), password: secretPassword, spoolFolder: folder }
    const { size, contents } = await writeKleidiaFile(contentOf('x', ['a', '{}']), request, context)
    assert.equal((await readFile(request.path)).length, size)
    assert.equal(contents.secretCount, 1)
    await assert.rejects(writeKleidiaFile(contentOf('x'), request, context), { kind: 'refused' })
    await assert.rejects(writeKleidiaFile(contentOf('x', ['a', '1']), { ...request, path: join(folder, 'b') }, context))
    assert.deepEqual(await readdir(folder), ['a.enc'])
  })
})

test('a line of secrets that is cut off or is none is found', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'secrets.jsonl')
    for (const text of [secretLine('a', '{}').slice(0, -1), '{"path":"a"}\n', 'x\n']) {
      await writeFile(path, text)
      await assert.rejects(async () => {
        for await (const _secret of readSecretLines(path, context.signal)) continue
      }, /is cut off|is no secret/)
    }
  })
})
