import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../core/failure.ts'
import { evaluateKeyFit } from './evaluate.ts'
import { proven, worldOf } from './testing/evidence-sources.ts'
import { declared, keyFitSetting } from '../profiles/use-recipe.ts'
import { Tally, verdictOf } from './verdict.ts'

const key = (steps: readonly unknown[] = []): unknown => ({ kind: 'secret', component: 'keys', secret: 'key', steps })
const rows = { component: 'database', sql: 'rows' }

function fitWith(proof: Readonly<Record<string, unknown>>, steps: readonly unknown[] = []): unknown {
  return {
    kind: 'declared',
    name: 'it',
    keys: { key: key(steps) },
    proofs: [{ about: 'it', key: 'key', rows, ...proof }],
  }
}

test('a hash over columns and the key', async () => {
  const uid = createHash('sha256').update('7-secret').digest('hex')
  const fit = fitWith({
    kind: 'derived',
    hash: 'sha256',
    template: '{id}-{key}',
    expected: { column: 'uid', decode: ['hex'] },
  })
  assert.equal((await proven(fit, { secrets: { key: 'secret' }, rows: { rows: [{ id: '7', uid }] } })).verdict, 'fits')
  assert.equal(
    (await proven(fit, { secrets: { key: 'other' }, rows: { rows: [{ id: '7', uid }] } })).verdict,
    'does-not-fit',
  )
})

test('an HMAC over a column, with a key that is taken through steps', async () => {
  const signature = createHmac('sha512', Buffer.from('0102', 'hex')).update('text').digest('base64')
  const columns = { message: { column: 'text' }, signature: { column: 'signature', decode: ['base64'] } }
  const fit = fitWith({ kind: 'hmac', hash: 'sha512', ...columns }, [
    { kind: 'trim-newline' },
    { kind: 'decode', from: 'hex' },
  ])
  const there = { rows: { rows: [{ text: 'text', signature }] } }
  assert.equal((await proven(fit, { secrets: { key: '0102\n' }, ...there })).verdict, 'fits')
  assert.equal((await proven(fit, { secrets: { key: '0103' }, ...there })).verdict, 'does-not-fit')
  const noHex = await proven(fit, { secrets: { key: 'zz' }, ...there })
  assert.deepEqual([noHex.verdict, noHex.evidence[0]], ['does-not-fit', 'key key is no hex'])
})

test('HKDF and PBKDF2 give what RFC 5869 and RFC 6070 say', async () => {
  const equal = (steps: readonly unknown[]): unknown =>
    fitWith({ kind: 'equal', value: { column: 'hex', decode: ['hex'] } }, steps)
  const hkdf = {
    kind: 'hkdf',
    hash: 'sha256',
    salt: { hex: '000102030405060708090a0b0c' },
    info: { hex: 'f0f1f2f3f4f5f6f7f8f9' },
    length: 42,
  }
  const okm = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
  const ikm = { key: Buffer.alloc(22, 0x0b) }
  assert.equal((await proven(equal([hkdf]), { secrets: ikm, rows: { rows: [{ hex: okm }] } })).verdict, 'fits')
  const pbkdf2 = { kind: 'pbkdf2', hash: 'sha1', salt: { text: 'salt' }, iterations: 4096, length: 20 }
  const derived = '4b007901b765489abead49d926f721d065a429c1'
  assert.equal(
    (await proven(equal([pbkdf2]), { secrets: { key: 'password' }, rows: { rows: [{ hex: derived }] } })).verdict,
    'fits',
  )
})

test('what cannot be looked at is evidence and no verdict', async () => {
  const world = {
    ...worldOf({ secrets: { key: 'k' } }),
    // oxlint-disable-next-line require-yield
    async *rows() {
      throw await Promise.resolve(new Failure('toolFailed', 'relation "t" does not exist'))
    },
  }
  const fit = declared(keyFitSetting.parse(fitWith({ kind: 'equal', value: { column: 'id' } })))
  const { verdict, evidence } = await evaluateKeyFit(fit, world)
  assert.deepEqual([verdict, evidence], ['not-provable', ['it: cannot be looked at: relation "t" does not exist']])
})

test('one reason for which several proofs cannot be looked at is said once', async () => {
  const one = { kind: 'equal', key: 'key', rows, value: { column: 'id' } }
  const fit = {
    kind: 'declared',
    name: 'it',
    keys: { key: key() },
    proofs: [
      { ...one, about: 'users' },
      { ...one, about: 'tokens' },
    ],
  }
  const world = {
    ...worldOf({ secrets: { key: 'k' } }),
    // oxlint-disable-next-line require-yield
    async *rows() {
      throw await Promise.resolve(new Failure('unreachable', 'the server is away'))
    },
  }
  const { evidence } = await evaluateKeyFit(declared(keyFitSetting.parse(fit)), world)
  assert.deepEqual(evidence, ['users; tokens: cannot be looked at: the server is away'])
})

test('rows that were cut off are said', async () => {
  const fit = fitWith({ kind: 'equal', value: { column: 'id' }, rows: { ...rows, limit: 2 } })
  const { verdict, evidence } = await proven(fit, {
    secrets: { key: 'a' },
    rows: { rows: [{ id: 'a' }, { id: 'a' }, { id: 'b' }] },
  })
  assert.equal(verdict, 'fits')
  assert.match(evidence.join('\n'), /only the first 2 rows were looked at/)
})

test('nothing damaged or under another key hides behind what fits', () => {
  const tallied = (...says: readonly ('fits' | 'misfits' | 'corrupt' | 'weak' | 'nothing')[]): Tally => {
    const tally = new Tally()
    for (const one of says) tally.add({ group: '', says: one })
    return tally
  }
  assert.equal(verdictOf([tallied('fits'), tallied('misfits')]), 'mixed')
  assert.equal(verdictOf([tallied('fits', 'corrupt')]), 'corrupt')
  assert.equal(verdictOf([tallied('misfits', 'corrupt', 'weak')]), 'does-not-fit')
  assert.equal(verdictOf([tallied('weak', 'nothing')]), 'not-provable')
  assert.equal(verdictOf([tallied('weak', 'fits')]), 'fits')
})

test('groups are bounded in number and length', () => {
  const tally = new Tally()
  for (let group = 0; group < 200; group += 1) tally.add({ group: `${group} ${'x'.repeat(200)}`, says: 'fits' })
  const words = tally.words('it')
  assert.equal(words.length, 51)
  assert.equal(words.at(-1), 'it, all others: 150 fit')
  assert.ok(words.every((text) => text.length < 100))
})

test('a recipe says which keys it needs', () => {
  const setting = keyFitSetting.parse({
    kind: 'recipe',
    recipe: 'zitadel',
    keys: { masterKey: { component: 'k', secret: 's' } },
  })
  assert.throws(() => declared(setting), { kind: 'usage', message: /needs key masterkey/ })
})
