import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure, type FailureKind } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { readSecretLines } from '../../src/interop/kleidia-v1/format/secret-lines.ts'
import {
  inFolder,
  sampleContext,
  sampleFile,
  sampleHeader,
  sampleJson,
  samplePassword,
  sampleSql,
  secretPassword,
  sha256,
  sourceFor,
  type SampleOptions,
} from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia, type Unpacked } from '../../src/interop/kleidia-v1/read/unpack.ts'

async function unpacked<Result>(
  bytes: Uint8Array,
  look: (result: Unpacked) => Promise<Result> | Result,
  password = samplePassword,
): Promise<Result> {
  return await inFolder(async (folder) => {
    const request = { source: sourceFor(bytes), password: new Secret(password) }
    return await look(await unpackKleidia(request, join(folder, 'out'), sampleContext()))
  })
}

async function fails(bytes: Uint8Array, kind: FailureKind, message: RegExp, password = samplePassword): Promise<void> {
  await inFolder(async (folder) => {
    const request = { source: sourceFor(bytes), password: new Secret(password) }
    await assert.rejects(unpackKleidia(request, join(folder, 'out'), sampleContext()), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error))
      assert.match(error.message, message)
      assert.equal(error.kind, kind)
      return true
    })
    assert.deepEqual(await readdir(folder), [], 'something was left behind')
  })
}

test('the documented layout is unpacked into private files, digit by digit', async () => {
  await unpacked(sampleFile(), async ({ sql, secrets, contents, checksum, additional, folder }) => {
    assert.equal(await readFile(sql?.path ?? '', 'utf8'), sampleSql)
    assert.equal(sql?.sha256, sha256(Buffer.from(sampleSql)).toString('hex'))
    const lines = await readFile(secrets?.path ?? '', 'utf8')
    assert.equal(
      lines,
      '{"path":"jwt-secret","data":{"secret":"abc"}}\n{"path":"numbers","data":{"i":9007199254740993,"f":1.10}}\n',
    )
    assert.deepEqual(JSON.parse(await readFile(join(folder, 'header.json'), 'utf8')), sampleHeader)
    assert.deepEqual(contents.disagreements, [])
    assert.deepEqual(contents.unknown, [])
    assert.equal(contents.secretCount, 2)
    assert.deepEqual(checksum, { verdict: 'matches', coverage: 'ciphertext and tag', encoding: 'hex' })
    assert.equal(additional, 'nothing')
    for (const path of [sql?.path ?? '', secrets?.path ?? '', join(folder, 'header.json')])
      assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.deepEqual((await readdir(folder)).sort(), ['database.sql', 'header.json', 'secrets.jsonl'])
  })
})

const coverages = {
  'ciphertext and tag': ({ ciphertext, tag }) => sha256(ciphertext, tag),
  ciphertext: ({ ciphertext }) => sha256(ciphertext),
  'nonce, ciphertext and tag': ({ nonce, ciphertext, tag }) => sha256(nonce, ciphertext, tag),
  'salt, nonce, ciphertext and tag': ({ salt, nonce, ciphertext, tag }) => sha256(salt, nonce, ciphertext, tag),
} satisfies Record<string, (parts: Parameters<NonNullable<SampleOptions['checksum']>>[0]) => Buffer>

for (const [coverage, digest] of Object.entries(coverages)) {
  for (const encoding of ['hex', 'base64'] as const) {
    test(`a checksum of ${coverage} as ${encoding} is accepted and reported`, async () => {
      const file = sampleFile({ checksum: (parts) => digest(parts).toString(encoding) })
      await unpacked(file, ({ checksum }) => assert.deepEqual(checksum, { verdict: 'matches', coverage, encoding }))
    })
  }
}

test('a header without a checksum leaves it to the tag', async () => {
  const file = sampleFile({ checksum: () => undefined })
  await unpacked(file, ({ checksum }) => assert.deepEqual(checksum, { verdict: 'absent' }))
  await fails(file, 'denied', /wrong password, or damaged or forged/, 'another')
})

test('additional data that a writer may have authenticated is found', async () => {
  await unpacked(sampleFile({ additional: (header) => header }), ({ additional }) => assert.equal(additional, 'header'))
  await unpacked(sampleFile({ additional: (_header, all) => all }), ({ additional }) =>
    assert.equal(additional, 'magic, length and header'),
  )
  await fails(sampleFile({ additional: () => Buffer.from('something else') }), 'denied', /wrong password/)
})

test('a wrong password is told from damage, and nothing more', async () => {
  await fails(sampleFile(), 'denied', /^wrong password for sample\.enc \(or the file is forged\)$/, 'another')
  const damaged = sampleFile()
  damaged[damaged.length - 40]! ^= 1
  await fails(damaged, 'corrupt', /^sample\.enc is damaged: its checksum does not match$/)
  await fails(damaged, 'corrupt', /its checksum does not match$/, 'another')
})

test('the bytes of the password count as they are', async () => {
  const composed = 'pässword'.normalize('NFC')
  const file = sampleFile({ password: composed })
  await unpacked(file, () => undefined, composed)
  await fails(file, 'denied', /wrong password/, composed.normalize('NFD'))
})

test('a file that was forged with a right checksum does not open', async () => {
  const file = sampleFile({ checksum: () => undefined })
  file[file.length - 1]! ^= 1
  await fails(file, 'denied', /damaged or forged/)
})

test('the header inside is the truth, and what the one outside says else is named', async () => {
  const file = sampleFile({ header: { created_at: '1999-01-01T00:00:00Z', includes_kv: false } })
  await unpacked(file, ({ contents }) => {
    assert.equal(contents.truth.created, '2026-01-17T12:00:00Z')
    assert.deepEqual(contents.disagreements, [
      'created: "1999-01-01T00:00:00Z" outside, "2026-01-17T12:00:00Z" inside',
      'includesSecrets: false outside, true inside',
    ])
  })
})

test('both names of the audit flag are taken in both places', async () => {
  const { includes_audit_logs: _dropped, ...bare } = sampleHeader
  const json = `{"header":${JSON.stringify({ ...bare, includes_audit: true })},"database_sql":"x","vault_secrets":{}}`
  const file = sampleFile({ json, header: { includes_audit: undefined, includes_audit_logs: true } })
  await unpacked(file, ({ contents }) => {
    assert.equal(contents.truth.includesAudit, true)
    assert.deepEqual(contents.disagreements, [])
  })
  const both = sampleFile({ header: { includes_audit: true, includes_audit_logs: false } })
  await fails(both, 'corrupt', /both that audit logs are in it and that they are not/)
})

test('members may come in any order, and one that nobody knows is named', async () => {
  const json = `{"later":[{"a":1}],"vault_secrets":{},"database_sql":"select 1;","header":${JSON.stringify(sampleHeader)}}`
  await unpacked(sampleFile({ json }), ({ contents }) => assert.deepEqual(contents.unknown, ['later']))
})

test('a part that is not in the backup leaves no file', async () => {
  const header = JSON.stringify({ ...sampleHeader, includes_db: false, backup_type: 'vault-only' })
  for (const sql of ['null', '""']) {
    const json = `{"header":${header},"database_sql":${sql},"vault_secrets":{"a":{}}}`
    await unpacked(sampleFile({ json, header: { includes_db: false, backup_type: 'vault-only' } }), async (result) => {
      assert.equal(result.sql, undefined)
      assert.deepEqual((await readdir(result.folder)).sort(), ['header.json', 'secrets.jsonl'])
    })
  }
})

test('a part that the header inside promises and that is not there is damage', async () => {
  const header = JSON.stringify(sampleHeader)
  await fails(sampleFile({ json: `{"header":${header},"vault_secrets":{}}` }), 'corrupt', /has no database_sql/)
  await fails(sampleFile({ json: `{"header":${header},"database_sql":"x"}` }), 'corrupt', /has no vault_secrets/)
  for (const json of ['{}', '{"later":{}}', '{"database_sql":""}'])
    await fails(sampleFile({ json }), 'corrupt', /has no header, no database_sql and no vault_secrets/)
})

/** The sample with other members in its header inside, or without one. */
function withInner(header: Readonly<Record<string, unknown>> | undefined): Buffer {
  const parts = `"database_sql":${JSON.stringify(sampleSql)},"vault_secrets":{"a":{}}}`
  return sampleFile({ json: `{${header === undefined ? '' : `"header":${JSON.stringify(header)},`}${parts}` })
}

async function remarks(file: Buffer): Promise<readonly string[]> {
  return await unpacked(file, ({ sql, contents }) => {
    assert.equal(sql?.sha256, sha256(Buffer.from(sampleSql)).toString('hex'))
    assert.equal(contents.secretCount, 1)
    return contents.remarks
  })
}

test('authentic content that lacks claims opens, and says which', async () => {
  const { created_at: _time, backup_type: _type, ...bare } = sampleHeader
  assert.deepEqual(await remarks(withInner(sampleHeader)), [])
  assert.deepEqual(await remarks(withInner(bare)), ['the header inside lacks created_at, backup_type'])
  const all = 'version, created_at, backup_type, includes_db, includes_kv, includes_audit_logs'
  assert.deepEqual(await remarks(withInner({})), [`the header inside lacks ${all}`])
  assert.deepEqual(await remarks(withInner(undefined)), ['there is no header inside of the encryption'])
  for (const name of Object.keys(sampleHeader)) {
    const header = Object.fromEntries(Object.entries(sampleHeader).filter(([one]) => one !== name))
    assert.deepEqual(await remarks(withInner(header)), [`the header inside lacks ${name}`])
  }
})

test('a claim of another type, and one that is not documented, is said', async () => {
  const odd = { ...sampleHeader, version: '1', created_at: 'yesterday', includes_kv: 'yes', region: 'x', schema: 4 }
  assert.deepEqual(await remarks(withInner(odd)), [
    'the header inside has version that is not the number 1; it is left aside',
    'the header inside has created_at that is not a time as 2026-01-17T12:00:00Z; it is left aside',
    'the header inside has includes_kv that is not true or false; it is left aside',
    'the header inside has claims that are not documented: "region", "schema"',
  ])
  const list = sampleFile({ json: `{"header":[1],"database_sql":"x"}` })
  await unpacked(list, ({ contents }) =>
    assert.deepEqual(contents.remarks, ['the header inside of the encryption is no JSON object']),
  )
})

test('a header that lacks claims is still held to those it has', async () => {
  const json = (header: string): string => `{"header":${header},"vault_secrets":{}}`
  await fails(sampleFile({ json: json('{"includes_db":true}') }), 'corrupt', /has no database_sql/)
  await fails(sampleFile({ json: json('{"version":2}') }), 'unsupported', /version 2/)
  await fails(sampleFile({ json: json('{"backup_type":"full","backup_type":"full"}') }), 'corrupt', /key twice/)
})

test('secrets come back in order, with keys that mean something to JavaScript', async () => {
  const secrets =
    '{"z":{"b":1e400,"a":-0.0,"__proto__":{"polluted":true},"constructor":"x"},"__proto__":{"k":"\\ud800"},"2":{"t":"a\u2028b"},"1":{"n":[null,true,false,[]],"":""}}'
  await unpacked(sampleFile({ json: sampleJson(secrets) }), async (result) => {
    const found: [string, string][] = []
    for await (const { path, json } of readSecretLines(result.secrets?.path ?? '', sampleContext().signal))
      found.push([path, json.reveal()])
    assert.deepEqual(found, [
      ['z', '{"b":1e400,"a":-0.0,"__proto__":{"polluted":true},"constructor":"x"}'],
      ['__proto__', '{"k":"\\ud800"}'],
      ['2', '{"t":"a\u2028b"}'],
      ['1', '{"n":[null,true,false,[]],"":""}'],
    ])
    assert.equal('polluted' in {}, false)
  })
})

test('a target that exists is refused and left as it is', async () => {
  await inFolder(async (folder) => {
    const request = { source: sourceFor(sampleFile()), password: secretPassword }
    await unpackKleidia(request, join(folder, 'out'), sampleContext())
    await assert.rejects(unpackKleidia(request, join(folder, 'out'), sampleContext()), /exists already/)
    assert.deepEqual(await readdir(folder), ['out'])
  })
})
