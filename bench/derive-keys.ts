import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto'
import { Secret } from '../src/core/secret.ts'
import { proven, recipe } from '../src/key-fit/testing/evidence-sources.ts'
import type { Row } from '../src/key-fit/evidence-source.ts'
import { argon2id, passwordKeys, usualWork } from '../src/repository/keys/password-key.ts'
import { kleidiaKey } from '../src/interop/kleidia-v1/format/key.ts'

/**
 * What the measure key-fit times, as a process of its own: `node derive-keys.ts prove|bare|identity|kleidia <rows>`. `prove`
 * is the key fit of certctl, `bare` nothing but its derivations, one after the other.
 */

const PASSPHRASE = 'a passphrase of certctl, 32 bytes or more'
const ROUNDS = 600_000
const [act = '', count = '0'] = process.argv.slice(2)
const rows = Number(count)

/** All rows have one salt, so that they are quickly made. Each is stretched anew: only a salt of the layout is remembered. */
function blobs(): readonly Row[] {
  const salt = randomBytes(16)
  const key = pbkdf2Sync(PASSPHRASE, salt, ROUNDS, 32, 'sha256')
  return Array.from({ length: rows }, (_, id) => {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    const text = Buffer.concat([cipher.update(`{"id":${id}}`), cipher.final()])
    return { sealed: `\\x${Buffer.concat([Buffer.of(3), salt, nonce, text, cipher.getAuthTag()]).toString('hex')}` }
  })
}

async function prove(): Promise<void> {
  const things = { secrets: { configKey: PASSPHRASE }, rows: { 'from issuers': blobs() } }
  const { verdict, evidence } = await proven(recipe('certctl', 'configKey'), things)
  if (verdict !== 'fits' || !evidence.join().includes(`v3: ${rows} fit`)) throw new Error(evidence.join('\n'))
}

const password = new Secret('correct horse battery staple')
const ACTS: Readonly<Record<string, () => unknown>> = {
  prove,
  bare: () => {
    for (let row = 0; row < rows; row += 1) pbkdf2Sync(PASSPHRASE, randomBytes(16), ROUNDS, 32, 'sha256')
  },
  identity: () => passwordKeys(password, argon2id(usualWork, randomBytes(32).toString('base64')), Buffer.alloc(0)),
  kleidia: () => kleidiaKey(password, randomBytes(32)),
}
const chosen = ACTS[act]
if (chosen === undefined) throw new Error(`usage: ${Object.keys(ACTS).join('|')} <rows>`)
await chosen()
