import assert from 'node:assert/strict'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { composeKleidia } from '../../src/interop/kleidia-v1/write/compose-kleidia.ts'
import { bytesOf, collect } from '../../src/repository/documents/bytes.ts'
import {
  sampleContext,
  sampleFile,
  sampleSql,
  secretPassword,
  sourceFor,
} from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia, type Unpacked } from '../../src/interop/kleidia-v1/read/unpack.ts'
import { crashEverywhere } from '../crash/matrix.ts'

const FILES = ['database.sql', 'header.json', 'secrets.jsonl']
const file = sampleFile()

test('wherever unpacking dies, the folder is whole or not there', { timeout: 300_000 }, async (t) => {
  await crashEverywhere<string, Unpacked>(t, {
    fresh: () => mkdtemp(join(tmpdir(), 'holdfast-dying-')),
    run: (folder, effects) => unpack(folder, effects),
    recover: async (folder, { ended }) => {
      const names = await readdir(folder)
      // A dead process leaves its half under a name that says what it is; the file itself had no name.
      assert.ok(
        names.every((name) => name === 'out' || name.startsWith('.unpack-')),
        names.join(),
      )
      if (ended !== 'dead')
        assert.ok(
          names.every((name) => name === 'out'),
          names.join(),
        )
      if (!names.includes('out')) await unpack(folder)
      assert.deepEqual((await readdir(join(folder, 'out'))).sort(), FILES)
      assert.equal(await readFile(join(folder, 'out', 'database.sql'), 'utf8'), sampleSql)
    },
    close: (folder) => rm(folder, { recursive: true }),
  })
})

function unpack(folder: string, effects = sampleContext().effects): Promise<Unpacked> {
  const request = { source: sourceFor(file), password: secretPassword }
  return unpackKleidia(request, join(folder, 'out'), { ...sampleContext(), effects })
}

test('wherever composing dies, no file has a name', { timeout: 120_000 }, async (t) => {
  await crashEverywhere<string, Buffer>(t, {
    fresh: () => mkdtemp(join(tmpdir(), 'holdfast-dying-')),
    run: async (folder, effects) => {
      const sql = { size: 1, content: bytesOf(Buffer.from('x')) }
      const parts = { created: new Date(0), includesAudit: true, sql, secrets: undefined }
      const composed = await composeKleidia(parts, secretPassword, folder, { ...sampleContext(), effects })
      try {
        return await collect(composed.content(), 2 ** 20, 'file')
      } finally {
        await composed.close()
      }
    },
    recover: async (folder) => assert.deepEqual(await readdir(folder), []),
    close: (folder) => rm(folder, { recursive: true }),
  })
})
