import assert from 'node:assert/strict'
import { test } from 'node:test'
import { performance } from 'node:perf_hooks'
import { Secret } from '../../core/secret.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { allNames, newFixture, readBlobOf, replaceBlob } from '../testing/fixture.ts'
import { generateKeyPair } from './age-keys.ts'
import { formatIdentityFile, parseIdentityFile } from './identity-file.ts'
import {
  addIdentity,
  changePassword,
  exportIdentity,
  listIdentities,
  openIdentity,
  removeIdentity,
} from './identity-store.ts'
import { lockIdentity, readIdentityHeader, unlockIdentity } from './identity.ts'
import { passwordKeys } from './password-key.ts'
import { generateSigner, parseSigner, TrustedSigners } from './signer.ts'

const password = new Secret('correct horse')
/** The least that readers accept, to be quick. */
const work = { t: 1, memoryKiB: 65_536, p: 1 }
const wrongPassword = new Secret('Correct horse')

test('a wrong password is told from damage', async () => {
  const pair = await generateKeyPair()
  const { signer } = generateSigner()
  const document = await lockIdentity(
    { ...pair, name: 'rescue', created: '2026-11-22T02:00:00.000Z', signers: [signer.id] },
    password,
    work,
  )
  const unlocked = await unlockIdentity(document, password, 'identity')
  assert.equal(unlocked.key.reveal(), pair.key.reveal())
  assert.deepEqual(unlocked.signers, [signer.id])
  await assert.rejects(unlockIdentity(document, wrongPassword, 'identity'), { kind: 'denied' })
  const fields: Record<string, string> = JSON.parse(String(document))
  const changed = (name: string, offset: number): Buffer => {
    const bytes = Buffer.from(fields[name] ?? '', 'base64')
    bytes[offset]! ^= 1
    return Buffer.from(JSON.stringify({ ...fields, [name]: bytes.toString('base64') }))
  }
  await assert.rejects(unlockIdentity(changed('ciphertext', 3), password, 'identity'), { kind: 'corrupt' })
  await assert.rejects(unlockIdentity(changed('nonce', 0), password, 'identity'), { kind: 'corrupt' })
  const header = Buffer.from(fields.header ?? '', 'base64')
    .toString()
    .replace('rescue', 'rescuf')
  const renamed = Buffer.from(JSON.stringify({ ...fields, header: Buffer.from(header).toString('base64') }))
  await assert.rejects(unlockIdentity(renamed, password, 'identity'), { kind: 'corrupt' })
  const short = Buffer.from(JSON.stringify({ ...fields, ciphertext: 'AAAA' }))
  await assert.rejects(unlockIdentity(short, password, 'identity'), { kind: 'corrupt' })
})

test('a password is the same in every Unicode form', async () => {
  const kdf = {
    name: 'argon2id',
    version: 19,
    t: 1,
    memoryKiB: 65_536,
    p: 1,
    salt: Buffer.alloc(32).toString('base64'),
  }
  const [composed, decomposed] = await Promise.all(
    ['\u00e9', 'e\u0301'].map((text) => passwordKeys(new Secret(text), kdf, Buffer.alloc(0))),
  )
  assert.deepEqual(composed, decomposed)
})

test('hostile parameters are refused before any work', async () => {
  const good = {
    name: 'argon2id',
    version: 19,
    t: 3,
    memoryKiB: 65_536,
    p: 4,
    salt: Buffer.alloc(32).toString('base64'),
  }
  const hostile = [
    { memoryKiB: 2 ** 32 },
    { memoryKiB: 65_535 },
    { t: 1_000_000 },
    { t: 0 },
    { p: 17 },
    { p: 0 },
    { name: 'argon2i' },
    { version: 16 },
    { salt: 'AAAA' },
  ]
  const begun = performance.now()
  for (const change of hostile)
    await assert.rejects(
      passwordKeys(password, { ...good, ...change }, Buffer.alloc(0)),
      { kind: 'unsupported' },
      JSON.stringify(change),
    )
  assert.ok(performance.now() - begun < 100)
})

test('identities in a repository: add, list, open, change the password, export, remove', async () => {
  const fixture = await newFixture()
  const { storage, context, signer } = fixture
  const added = await addIdentity(storage, { name: 'rescue', password, signers: [signer.id], work }, context)
  await assert.rejects(addIdentity(storage, { name: 'rescue', password, signers: [], work }, context), {
    kind: 'refused',
  })
  await assert.rejects(addIdentity(storage, { name: 'Rescue', password, signers: [], work }, context), {
    kind: 'usage',
  })
  assert.deepEqual(await listIdentities(storage, context), [
    { name: 'rescue', recipient: added.recipient, created: added.created, revision: 1 },
  ])
  const others = await allNames(storage)
  const renewed = new Secret('battery staple')
  await assert.rejects(changePassword(storage, 'rescue', { old: wrongPassword, new: renewed, work }, context), {
    kind: 'denied',
  })
  await changePassword(storage, 'rescue', { old: password, new: renewed, work }, context)
  assert.deepEqual(
    await allNames(storage),
    others.map((name) => name.replace('rescue.1', 'rescue.2')),
    'only the identity changed',
  )
  await assert.rejects(openIdentity(storage, 'rescue', password, context), { kind: 'denied' })
  const file = parseIdentityFile(await exportIdentity(storage, 'rescue', renewed, context))
  assert.equal(file.identities[0]?.key.reveal(), added.key.reveal())
  assert.deepEqual(file.signers, [signer.id])
  await removeIdentity(storage, 'rescue', context)
  await assert.rejects(openIdentity(storage, 'rescue', renewed, context), { kind: 'notFound' })
})

test('an identity under another name is corrupt, and an older revision never comes back', async () => {
  const { context } = await newFixture()
  const storage = memoryStorage()
  await addIdentity(storage, { name: 'one', password, signers: [], work }, context)
  const first = await readBlobOf(storage, 'identities/one.1.json')
  await replaceBlob(storage, 'identities/two.1.json', first)
  await assert.rejects(openIdentity(storage, 'two', password, context), { kind: 'corrupt' })
  await changePassword(storage, 'one', { old: password, new: wrongPassword, work }, context)
  await replaceBlob(storage, 'identities/one.1.json', first)
  await assert.rejects(openIdentity(storage, 'one', password, context), { kind: 'denied' })
})

test('identity files', async () => {
  const pair = await generateKeyPair()
  const { signer } = generateSigner()
  const text = formatIdentityFile({ ...pair, created: '2026-11-22T02:00:00.000Z', signers: [signer.id] })
  assert.equal(String(text), '[secret]')
  const parsed = parseIdentityFile(text)
  assert.deepEqual([parsed.identities[0]?.key.reveal(), parsed.signers], [pair.key.reveal(), [signer.id]])
  assert.equal(parseIdentityFile(new Secret(`# a\r\n\r\n${pair.key.reveal()}\r\n`)).identities.length, 1)
  for (const wrong of [
    '',
    '# nothing',
    `${pair.key.reveal()}\nhello`,
    `# signer: ed25519:AA==\n${pair.key.reveal()}`,
  ]) {
    assert.throws(() => parseIdentityFile(new Secret(wrong)), { kind: 'usage' })
  }
})

test('signing keys', async () => {
  const { signer, file } = generateSigner()
  const again = parseSigner(file)
  assert.equal(again.id, signer.id)
  const trusted = new TrustedSigners([signer.id])
  const bytes = Buffer.from('payload')
  assert.equal(await trusted.verify(signer.id, bytes, again.sign(bytes)), true)
  assert.equal(await trusted.verify(signer.id, Buffer.from('payloae'), again.sign(bytes)), false)
  assert.equal(await trusted.verify(generateSigner().signer.id, bytes, again.sign(bytes)), false)
  assert.throws(() => new TrustedSigners(['ed25519:AAAA']), { kind: 'usage' })
  assert.throws(
    () => parseSigner(new Secret('SECRET')),
    (error: Error) => !error.message.includes('SECRET') && error.cause === undefined,
  )
})

test('identities are written with the work that the format prescribes', async () => {
  const pair = await generateKeyPair()
  const document = await lockIdentity(
    { ...pair, name: 'rescue', created: '2026-11-22T02:00:00.000Z', signers: [] },
    password,
  )
  const { t, memoryKiB, p } = readIdentityHeader(document, 'identity').kdf
  assert.deepEqual([t, memoryKiB, p], [3, 262_144, 4])
})

test('a damaged revision is passed over and named, and a damaged identity hides no other', async () => {
  const fixture = await newFixture()
  const { storage, context, events } = fixture
  const warnings = (): string => events.map((event) => (event.type === 'warning' ? event.message : '')).join()
  const add = (name: string) => addIdentity(storage, { name, password, signers: [], work }, context)
  const { recipient } = await add('rescue')
  await storage.put('identities/rescue.2.json', Buffer.from('garbage'), context.signal)
  assert.equal((await openIdentity(storage, 'rescue', password, context)).recipient, recipient)
  assert.match(warnings(), /rescue\.2|identity rescue/)
  // Which of the two it is for, nobody knows.
  await assert.rejects(openIdentity(storage, 'rescue', wrongPassword, context), { kind: 'corrupt' })
  await storage.put('identities/admin.1.json', Buffer.from('garbage'), context.signal)
  assert.deepEqual(
    (await listIdentities(storage, context)).map(({ name, revision }) => [name, revision]),
    [['rescue', 1]],
  )
  assert.match(warnings(), /admin\.1/)
  await storage.remove('identities/rescue.1.json', context.signal)
  await assert.rejects(listIdentities(storage, context), { kind: 'corrupt' })
})
