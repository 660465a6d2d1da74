import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, expectFailure } from './expect.ts'
import { startReadyLab } from './lab.ts'
import { readDatabase, readFiles, readLive } from './live.ts'

/** The keys of a repository over its life, and the day on which only the repository and a password are left. */
const lab = await startReadyLab()
const original = await readLive(lab)
const point = await backUp(lab)

test('keys are added, used, changed, exported and removed without touching an artifact', async () => {
  const artifacts = await readFiles(join(lab.repository, 'data', point))
  const [first] = await keys()
  const added = await lab.runWith(
    { HOLDFAST_PASSWORD: 'a second password, for the safe' },
    'key',
    'add',
    'safe',
    '--json',
  )
  assert.equal(added.code, 0, added.error + added.out)
  assert.deepEqual(
    (await keys()).map(({ name, inUse }) => [name, inUse]),
    [
      ['recovery', true],
      ['safe', true],
    ],
  )
  const denied = await lab.runWith(
    { HOLDFAST_NEW_PASSWORD: 'a third password, for the safe' },
    'key',
    'change-password',
    'safe',
  )
  assert.equal(denied.code, 12, 'the password of another key does not do')
  const changed = await lab.runWith(
    { HOLDFAST_PASSWORD: 'a second password, for the safe', HOLDFAST_NEW_PASSWORD: 'a third password, for the safe' },
    'key',
    'change-password',
    'safe',
    '--json',
  )
  assert.equal(changed.code, 0, changed.error + changed.out)
  const exported = join(lab.folder, 'safe.txt')
  const old = await lab.runWith(
    { HOLDFAST_PASSWORD: 'a second password, for the safe' },
    'key',
    'export',
    'safe',
    '--to',
    exported,
  )
  assert.equal(old.code, 12, 'the old password is gone')
  const exporting = await lab.runWith(
    { HOLDFAST_PASSWORD: 'a third password, for the safe' },
    'key',
    'export',
    'safe',
    '--to',
    exported,
  )
  assert.equal(exporting.code, 0, exporting.error)
  assert.equal((await stat(exported)).mode & 0o777, 0o600)
  const identity = await useIdentity(exported)
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['verify', point])).report.ok, true)
  await lab.json(['key', 'remove', 'recovery'])
  assert.deepEqual(
    (await keys()).map(({ name }) => name),
    ['safe'],
  )
  await useIdentity(identity)
  await expectFailure(lab, ['verify', point], { code: 12, kind: 'denied', message: new RegExp(point), hint: /./ })
  await useIdentity(exported)
  await expectFailure(lab, ['key', 'remove', 'safe'], {
    code: 13,
    kind: 'refused',
    message: /last recipient of repository main/,
    hint: /Add another key/,
  })
  await lab.edit(
    (config) =>
      (config.repositories['main']!['recipients'] = [
        ...(config.repositories['main']!['recipients'] as string[]),
        first!.recipient,
      ]),
  )
  assert.ok((await lab.json<{ rewrapped: number }>(['key', 'rewrap'])).rewrapped > 0)
  await useIdentity(identity)
  assert.equal((await lab.json<{ report: { ok: boolean } }>(['verify', point])).report.ok, true)
  const now = await readFiles(join(lab.repository, 'data', point))
  for (const [name, content] of Object.entries(artifacts))
    if (/^\d{6}$|manifest/.test(name)) assert.equal(now[name], content)
})

async function keys(): Promise<readonly { name: string; recipient: string; inUse: boolean }[]> {
  return (await lab.json<{ keys: { name: string; recipient: string; inUse: boolean }[] }>(['key', 'list'])).keys
}

async function useIdentity(file: string): Promise<string> {
  let before = ''
  await lab.edit((config) => {
    before = (config.identity ?? '').replace(/^file:/, '')
    config.identity = `file:${file}`
  })
  return before
}

test('with everything lost but the repository and the password, a fresh folder restores', async () => {
  await lab.edit((config) => {
    delete config.identity
    delete config.signingKey
    config.signers = []
    config.state = join(lab.folder, 'new-state')
  })
  await lab.postgres.dropDatabase('portal')
  await rm(lab.files, { recursive: true })
  const ran = await lab.runWith(
    { HOLDFAST_PASSWORD: 'a third password, for the safe' },
    'restore',
    '--at',
    point,
    '--yes',
    '--no-safety-point',
    '--json',
  )
  assert.equal(ran.code, 0, ran.out + ran.error)
  assert.deepEqual(await readDatabase(lab, 'portal'), original.database)
  assert.deepEqual(await readFiles(lab.files), original.files)
})
