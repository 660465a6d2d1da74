import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPairSync } from 'node:crypto'
import { proven, recipe } from './testing/evidence-sources.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const row = { private: pem, public: publicKey.export({ type: 'spki', format: 'pem' }).toString(), it: 'the key' }
const rows = { component: 'database', sql: 'rows' }
const place = (secret: string): unknown => ({ kind: 'secret', component: 'keys', secret })

/** One proof that needs no key and fits, and one of a key. */
const fit = {
  kind: 'declared',
  name: 'it',
  keys: { one: place('one'), two: place('two') },
  proofs: [
    {
      kind: 'pair',
      about: 'a pair',
      rows,
      private: { value: { column: 'private' } },
      public: { value: { column: 'public' } },
    },
    { kind: 'equal', about: 'the value', rows, key: 'one', value: { column: 'it' } },
  ],
}
const data = { rows: { rows: [row] } }

test('a key that is not there is absent, whatever else was proven', async () => {
  assert.equal((await proven(fit, { secrets: { one: 'the key', two: 'x' }, ...data })).verdict, 'fits')
  assert.equal((await proven(fit, { secrets: { one: 'the key' }, ...data })).verdict, 'absent')
  assert.equal((await proven(fit, { secrets: { two: 'x' }, ...data })).verdict, 'absent')
  assert.equal((await proven(fit, { secrets: {} })).verdict, 'absent')
})

test('a key that does not fit is worse than one that is not there', async () => {
  assert.equal((await proven(fit, { secrets: { one: 'another' }, ...data })).verdict, 'mixed')
})

test('certctl without its key is absent, and no line of its evidence reads like a proof', async () => {
  const { verdict, evidence } = await proven(recipe('certctl', 'configKey'), {
    secrets: {},
    rows: { issuers: [{ sealed: '\\x0300' }] },
  })
  assert.equal(verdict, 'absent')
  assert.doesNotMatch(evidence.join('\n'), /fit|proven|\b0 /)
})
