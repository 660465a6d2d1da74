import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { declaredFit } from '../../key-fit/schema.ts'
import { BackupEvidence } from './evidence.ts'

const fit = declaredFit.parse({
  kind: 'declared',
  name: 'own',
  keys: { main: { kind: 'secret', component: 'keys', secret: 'main' } },
  proofs: [
    {
      kind: 'equal',
      about: 'it',
      rows: { component: 'database', sql: 'select a' },
      value: { column: 'a' },
      key: 'main',
    },
  ],
})

test('rows are held up to 64 MiB, and what was cut off is said', async () => {
  const evidence = new BackupEvidence([fit])
  const taker = evidence.takerFor('database')
  const [query] = taker.queries
  assert.ok(query !== undefined)
  const mebibyte = 'x'.repeat(1024 * 1024)
  let read = 0
  async function* many(): AsyncGenerator<{ a: string }> {
    for (; read < 1000; read += 1) yield await Promise.resolve({ a: mebibyte })
  }
  await taker.rows(query, many())
  assert.equal(evidence.rows('database', query.sql)?.rows?.length, 64)
  assert.ok(read < 70, `${read} rows were read`)
  assert.deepEqual(evidence.remarks, ['only the first rows of database were looked at; a drill looks at all'])
})

test('only secrets that are asked for are held, and rows that fail are a reason', async () => {
  const evidence = new BackupEvidence([fit])
  const keys = evidence.takerFor('keys')
  assert.deepEqual(keys.secrets, ['main'])
  for (const name of ['main', 'other']) keys.secret(name, secretOfBytes(Buffer.from(name)))
  assert.notEqual(evidence.secret('keys', 'main'), undefined)
  assert.equal(evidence.secret('keys', 'other'), undefined)
  const taker = evidence.takerFor('database')
  await taker.rows(taker.queries[0] ?? { sql: '', limit: 1 }, failing())
  const taken = evidence.rows('database', 'select a')
  assert.ok(taken !== undefined && taken.rows === undefined)
  assert.match(taken.failure.message, /no such table/)
})

async function* failing(): AsyncGenerator<{ a: string }> {
  yield await Promise.reject(new Error('no such table'))
}
