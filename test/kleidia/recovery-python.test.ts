import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Secret } from '../../src/core/secret.ts'
import { bytesOf } from '../../src/repository/documents/bytes.ts'
import { composeKleidia } from '../../src/interop/kleidia-v1/write/compose-kleidia.ts'
import { readSecretLines, type KeptSecret } from '../../src/interop/kleidia-v1/format/secret-lines.ts'
import { localSource } from '../../src/interop/kleidia-v1/format/source.ts'
import { inFolder, sampleContext } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia } from '../../src/interop/kleidia-v1/read/unpack.ts'
import { recoveryPython } from '../e2e/recovery-python.ts'

/** Our reader and writer against another pair, which was written in Python from Kleidia's documentation alone. */
const execute = promisify(execFile)
const script = join(import.meta.dirname, 'kleidia.py')
const vectors = join(import.meta.dirname, 'vectors')
const password = 'Pässwort for vectors'
const context = sampleContext()
const python = await recoveryPython()

async function kleidia(...args: readonly string[]): Promise<string> {
  const environment = { KLEIDIA_PASSWORD: password, PATH: process.env['PATH'] ?? '' }
  return (await execute(python, [script, ...args], { env: environment, timeout: 60_000 })).stdout
}

async function read(path: string): Promise<{ readonly sql: string; readonly secrets: readonly [string, string][] }> {
  return await inFolder(async (folder) => {
    const source = await localSource(path, 'it.enc')
    const { sql, secrets } = await unpackKleidia(
      { source, password: new Secret(password) },
      join(folder, 'out'),
      context,
    )
    const found: [string, string][] = []
    for await (const { path: name, json } of readSecretLines(secrets?.path ?? '', context.signal))
      found.push([name, json.reveal()])
    return { sql: sql === undefined ? '' : await readFile(sql.path, 'utf8'), secrets: found }
  })
}

/** What the golden archives hold, with the digits and the order that they have there. */
const expected = {
  full: {
    sql: true,
    secrets: [
      ['jwt-secret', '{"secret":"not-a-real-secret"}'],
      ['database', '{"password":"päss","port":5432}'],
      ['yubikeys/abc123/piv', '{"management_key":"0102","counter":9007199254740993,"ratio":1.10,"big":1e400}'],
      ['__proto__', '{"constructor":null}'],
    ],
  },
  'vault-only': {
    sql: false,
    secrets: [
      ['b', '{"k":""}'],
      ['a', '{}'],
    ],
  },
}

for (const [name, { sql, secrets }] of Object.entries(expected)) {
  test(`the golden file ${name} gives what it was made from`, async () => {
    const found = await read(join(vectors, `${name}.enc`))
    assert.deepEqual(found.secrets, secrets)
    // The archive has the SQL as JSON.stringify writes it.
    const archive = await readFile(join(vectors, `${name}.archive`), 'utf8')
    assert.equal(found.sql !== '', sql)
    assert.ok(archive.includes(JSON.stringify(found.sql)))
  })

  test(`a new file by the other writer, from ${name}, is read`, async () => {
    await inFolder(async (folder) => {
      const made = join(folder, 'made.enc')
      await kleidia('write', join(vectors, `${name}.archive`), made)
      assert.deepEqual(await read(made), await read(join(vectors, `${name}.enc`)))
    })
  })
}

test('the golden files are what the other writer makes, but for compression', async () => {
  for (const name of ['full', 'vault-only'])
    assert.equal(
      await kleidia('read', join(vectors, `${name}.enc`)),
      await readFile(join(vectors, `${name}.archive`), 'utf8'),
    )
})

test('the other reader reads what we write', async () => {
  const sql = '-- ü€😀 "quoted" \\. \t\n'
  async function* secrets(): AsyncIterable<KeptSecret> {
    yield { path: 'yubikeys/abc123/piv', json: new Secret('{"counter":9007199254740993,"ratio":1.10}') }
    yield { path: '__proto__', json: new Secret('{"b":1,"a":2}') }
  }
  await inFolder(async (folder) => {
    const content = { size: Buffer.byteLength(sql), content: bytesOf(Buffer.from(sql)) }
    const parts = { created: new Date('2026-01-17T12:00:00Z'), includesAudit: false, sql: content, secrets: secrets() }
    const file = await composeKleidia(parts, new Secret(password), folder, context)
    const path = join(folder, 'ours.enc')
    await writeFile(path, file.content())
    await file.close()
    assert.equal(
      await kleidia('read', path),
      `{"header":{"version":1,"created_at":"2026-01-17T12:00:00Z","backup_type":"full","includes_db":true,"includes_kv":true,"includes_audit_logs":false},"database_sql":${JSON.stringify(sql)},"vault_secrets":{"yubikeys/abc123/piv":{"counter":9007199254740993,"ratio":1.10},"__proto__":{"b":1,"a":2}}}`,
    )
  })
})
