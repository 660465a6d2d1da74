import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Failure, type FailureKind } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { bytesOf } from '../../src/repository/documents/bytes.ts'
import { duplicateKey } from '../../src/repository/documents/duplicate-keys.ts'
import { inspectKleidia } from '../../src/interop/kleidia-v1/read/inspect.ts'
import type { ArchiveLimits } from '../../src/interop/kleidia-v1/read/expand.ts'
import { jsonTokens } from '../../src/interop/kleidia-v1/format/json-tokens.ts'
import { JsonText } from '../../src/interop/kleidia-v1/format/json-text.ts'
import {
  inFolder,
  sampleContext,
  sampleFile,
  sampleHeader,
  sampleJson,
  secretPassword,
  sha256,
  sourceFor,
} from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia } from '../../src/interop/kleidia-v1/read/unpack.ts'

/** Nothing is released, nothing is left, and what is said has no word of the content. */
async function fails(bytes: Uint8Array, kind: FailureKind, message: RegExp, limits?: ArchiveLimits): Promise<void> {
  await inFolder(async (folder) => {
    const request = { source: sourceFor(bytes), password: secretPassword, ...(limits === undefined ? {} : { limits }) }
    await assert.rejects(unpackKleidia(request, join(folder, 'out'), sampleContext()), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error))
      assert.match(error.message, message)
      assert.equal(error.kind, kind)
      return true
    })
    assert.deepEqual(await readdir(folder), [], 'something was left behind')
  })
}

const secrets = (text: string): Buffer => sampleFile({ json: sampleJson(text) })

test('a file of another kind is named', async () => {
  await fails(gzipSync('x'), 'unsupported', /is no KLEIDIA_BACKUP_V1 file but a gzip file/)
  await fails(Buffer.from('PGDMP and so on, quite long'), 'unsupported', /but a PostgreSQL custom dump/)
  await fails(Buffer.from('KLEIDIA_BACKUP_V2 and so on'), 'unsupported', /is no KLEIDIA_BACKUP_V1 file$/)
  await fails(Buffer.from('KLEIDIA_BACKUP_V1\n and so on'), 'corrupt', /header of/)
})

test('the length of the header is big-endian, and a little-endian one is named', async () => {
  await fails(sampleFile({ littleEndian: true }), 'unsupported', /little-endian/)
  const file = sampleFile()
  for (const length of [0, 1, 65_537, 0x7fff_ffff]) {
    file.writeUInt32BE(length, 17)
    const isLittle = Buffer.from(file.subarray(17, 21)).readUInt32LE() <= 65_536 && length > 1
    await fails(file, isLittle ? 'unsupported' : 'corrupt', /header/)
  }
})

test('a header that is no header is refused', async () => {
  await fails(sampleFile({ headerText: '[]' }), 'corrupt', /header of sample\.enc is not valid/)
  await fails(sampleFile({ headerText: '{"version":1,"version":1}' }), 'corrupt', /a key twice/)
  await fails(sampleFile({ headerText: '{"version":2}' }), 'unsupported', /version 2/)
  await fails(sampleFile({ headerText: '{"version":1,' }), 'corrupt', /not JSON/)
  await fails(sampleFile({ headerText: '{"version":1,"checksum":7}' }), 'corrupt', /checksum/)
  await fails(sampleFile({ headerText: '\u{feff}{"version":1}' }), 'corrupt', /not JSON/)
})

test('a nonce of another length is damage, or a wrong password where the checksum covers it', async () => {
  for (const nonceLength of [8, 11, 13, 16, 24]) {
    await fails(sampleFile({ nonceLength }), 'corrupt', /checksum does not match/)
    const checksum = sampleFile({
      nonceLength,
      checksum: ({ salt, nonce, ciphertext, tag }) => sha256(salt, nonce, ciphertext, tag).toString('hex'),
    })
    await fails(checksum, 'denied', /wrong password .*or the file is forged/)
  }
})

test('a file that is cut off anywhere is damaged, before a password is judged', { timeout: 300_000 }, async () => {
  const whole = sampleFile()
  const prefix = whole.length - 200
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: prefix }), async (length) => {
      const source = sourceFor(whole.subarray(0, length))
      await assert.rejects(
        inspectKleidia(source, sampleContext()).then(() => unpackOf(whole.subarray(0, length))),
        {
          kind: 'corrupt',
        },
      )
    }),
    { numRuns: 12, examples: [[0], [1], [16], [17], [20], [21], [22], [prefix]] },
  )
})

async function unpackOf(bytes: Uint8Array): Promise<void> {
  await inFolder(async (folder) => {
    await unpackKleidia({ source: sourceFor(bytes), password: secretPassword }, join(folder, 'out'), sampleContext())
  })
}

test('every length before the ciphertext is cut off', async () => {
  const whole = sampleFile()
  const header = whole.readUInt32BE(17)
  for (let length = 0; length < 65 + header + 16; length += 1)
    await assert.rejects(inspectKleidia(sourceFor(whole.subarray(0, length)), sampleContext()), { kind: 'corrupt' })
  await inspectKleidia(sourceFor(whole.subarray(0, 65 + header + 16)), sampleContext())
})

test('a changed byte anywhere never unpacks', { timeout: 300_000 }, async () => {
  const whole = sampleFile()
  const header = whole.readUInt32BE(17)
  await fc.assert(
    // Of the header only the checksum takes part; claims may be changed by anybody.
    fc.asyncProperty(fc.integer({ min: 21 + header, max: whole.length - 1 }), async (at) => {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x40
      await assert.rejects(unpackOf(changed), (error: unknown) => {
        assert.ok(error instanceof Failure && (error.kind === 'corrupt' || error.kind === 'denied'))
        return true
      })
    }),
    { numRuns: 10 },
  )
})

test('what follows the file, the gzip or the JSON is damage', async () => {
  await fails(Buffer.concat([sampleFile(), Buffer.from('x')]), 'corrupt', /checksum does not match/)
  const gzip = gzipSync(sampleJson())
  await fails(sampleFile({ payload: Buffer.concat([gzip, Buffer.from('garbage')]) }), 'corrupt', /after its end|gzip/)
  // Node's gunzip takes zeros for padding and says nothing.
  await fails(sampleFile({ payload: Buffer.concat([gzip, Buffer.alloc(7)]) }), 'corrupt', /goes on after its end/)
  await fails(sampleFile({ payload: Buffer.concat([gzip, gzip]) }), 'corrupt', /not JSON/)
  await fails(sampleFile({ json: `${sampleJson()}x` }), 'corrupt', /not JSON/)
  await fails(sampleFile({ json: `${sampleJson()}{}` }), 'corrupt', /not JSON/)
})

test('gzip that is cut off, damaged or absent is damage', async () => {
  const gzip = gzipSync(sampleJson())
  await fails(sampleFile({ payload: gzip.subarray(0, -9) }), 'corrupt', /not whole gzip/)
  await fails(sampleFile({ payload: Buffer.alloc(0) }), 'corrupt', /gzip|not JSON|not complete/)
  await fails(sampleFile({ payload: deflateRawSync(sampleJson()) }), 'corrupt', /not whole gzip/)
  const wrongSum = Buffer.from(gzip)
  wrongSum[wrongSum.length - 5]! ^= 1
  await fails(sampleFile({ payload: wrongSum }), 'corrupt', /not whole gzip/)
})

test('the layouts that an older page describes are named', async () => {
  const tar = Buffer.alloc(1024)
  tar.write('header.json')
  tar.write('ustar', 257)
  await fails(sampleFile({ json: tar }), 'unsupported', /is a tar archive and not one JSON object/)
  await fails(sampleFile({ json: 'PK\x03\x04 header.json' }), 'unsupported', /is a zip archive/)
})

test('a bomb stops at the ratio and at the size, and can be let through', { timeout: 120_000 }, async () => {
  const header = JSON.stringify(sampleHeader)
  const bomb = sampleFile({
    json: `{"header":${header},"vault_secrets":{},"database_sql":"${'a'.repeat(40_000_000)}"}`,
  })
  await fails(bomb, 'refused', /grows beyond 200 times its size/)
  await fails(bomb, 'refused', /grows beyond 30000000 bytes/, { expandedBytes: 30_000_000, ratio: 10_000 })
  await inFolder(async (folder) => {
    const limits = { expandedBytes: 2 ** 30, ratio: 2000 }
    const request = { source: sourceFor(bomb), password: secretPassword, limits }
    const { sql } = await unpackKleidia(request, join(folder, 'out'), sampleContext())
    assert.equal(sql?.size, 40_000_000)
  })
})

test('keys that occur twice are refused wherever they are, without saying what they hold', async () => {
  await fails(secrets('{"a":{},"a":{}}'), 'corrupt', /has the secret "a" twice/)
  await fails(secrets('{"a":{},"\\u0061":{}}'), 'corrupt', /has the secret "a" twice/)
  await fails(secrets('{"a":{"k":1,"k":2}}'), 'corrupt', /secret "a" .*has a key twice/)
  await fails(secrets('{"a":{"b":[{"__proto__":1,"__proto__":2}]}}'), 'corrupt', /secret "a" .*has a key twice/)
  const twice = sampleJson().replace('{"header"', '{"vault_secrets":{},"header"')
  await fails(sampleFile({ json: twice }), 'corrupt', /has "vault_secrets" twice/)
  const unknown = sampleJson().replace('{"header"', '{"x":{"a":1,"a":1},"header"')
  await fails(sampleFile({ json: unknown }), 'corrupt', /has a key twice/)
  const header = sampleJson().replace('"version":1', '"version":1,"version":1')
  await fails(sampleFile({ json: header }), 'corrupt', /has a key twice/)
})

test('shapes that are none are refused', async () => {
  await fails(secrets('{"a":1}'), 'corrupt', /the secret "a", which is no object/)
  await fails(secrets('{"a":null}'), 'corrupt', /which is no object/)
  await fails(secrets('[]'), 'corrupt', /vault_secrets that are no object/)
  await fails(sampleFile({ json: '[]' }), 'corrupt', /not a JSON object/)
  await fails(sampleFile({ json: 'null' }), 'corrupt', /not a JSON object/)
  await fails(
    sampleFile({ json: sampleJson().replace(/"database_sql":"/, '"database_sql":1,"x":"') }),
    'corrupt',
    /no text/,
  )
  await fails(secrets(`{"a":${'{"b":'.repeat(70)}1${'}'.repeat(70)}}`), 'corrupt', /nested more than 64 deep/)
  await fails(secrets(`{"${'p'.repeat(5000)}":{}}`), 'corrupt', /a name of more than 4096/)
  await fails(sampleFile({ json: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }), 'corrupt', /not UTF-8/)
  await fails(sampleFile({ json: sampleJson().replace('-- ', '\\ud800') }), 'corrupt', /a character in database_sql/)
})

test('a folder of brackets deep enough to overflow is refused', async () => {
  await fails(sampleFile({ json: `{"x":${'['.repeat(3_000_000)}` }), 'corrupt', /nested more than 64 deep/)
})

test('no message has a word of the content', async () => {
  const canary = 'CANARY-7f3a'
  for (const text of [
    `{"a":{"k":"${canary}"`,
    `{"a":{"k":${canary}}}`,
    `{"a":{"${canary}":1,"${canary}":2}}`,
    `{"a":"${canary}"}`,
  ])
    await inFolder(async (folder) => {
      const request = { source: sourceFor(secrets(text)), password: new Secret('correct horse battery staple') }
      const error: unknown = await unpackKleidia(request, join(folder, 'out'), sampleContext()).catch(
        (it: unknown) => it,
      )
      assert.ok(error instanceof Failure)
      assert.ok(!everything(error).includes(canary), everything(error))
    })
})

function everything(error: Failure): string {
  const inner = error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack ?? ''}` : String(error.cause)
  return [error.message, error.hint, error.stack, JSON.stringify(error.facts), inner].join('\n')
}

/** The value that JSON.parse makes of a text, or undefined where it refuses. */
function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

async function putTogether(text: string, cut: number): Promise<string | undefined> {
  const bytes = Buffer.from(text)
  const json = new JsonText('it', { length: 1e9 })
  try {
    for await (const tokens of jsonTokens(bytesOf(bytes.subarray(0, cut), bytes.subarray(cut)), 'it'))
      for (const token of tokens) json.take(token)
    return json.text
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'corrupt', String(error))
    return undefined
  }
}

test('the tokenizer takes what JSON.parse takes, and gives the same value, wherever it is cut', async () => {
  const text = fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '0', ',', '"', '\\', '}', '-', 'e', '.', '\u0000', '\t'))
      .map(([json, at, extra]) => json.slice(0, at % (json.length + 1)) + extra + json.slice(at % (json.length + 1))),
    fc.stringMatching(/^-?[0-9]{1,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?$/),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.nat({ max: 60 }), async (json, cut) => {
      const expected = parsed(json)
      const found = await putTogether(json, cut)
      if (expected === undefined) assert.equal(found, undefined, json)
      else if (found !== undefined) assert.deepEqual(parsed(found)?.value, expected.value)
      // Of two equal keys JSON.parse keeps one; here they are an error, and the only one.
      else assert.notEqual(duplicateKey(json), undefined, json)
    }),
    { numRuns: 3000 },
  )
})

test('numbers and the order of keys stay as they are written', async () => {
  const text = '{"b":12345678901234567890,"a":1.000,"c":[1E+2,-0,0.10e-7],"1":2,"0":3}'
  for (let cut = 0; cut <= text.length; cut += 1) assert.equal(await putTogether(text, cut), text)
})
