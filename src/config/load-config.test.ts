import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { postgresSettings } from '../components/postgres/schema.ts'
import { Failure } from '../core/failure.ts'
import { SecretReference } from '../system/secret-reference.ts'
import { loadConfig, type Config } from './load-config.ts'
import { filesStandIn, recipient, signer, whole } from './testing/examples.ts'

const componentSchemas = { postgres: postgresSettings, files: filesStandIn }
const environment = { variables: { HOME: '/home/ada' }, userId: 1000 }

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'))
})
after(() => rm(folder, { recursive: true }))

async function load(text: string | Uint8Array, mode = 0o600): Promise<Config> {
  const path = join(folder, 'holdfast.yaml')
  await writeFile(path, text)
  await chmod(path, mode)
  return loadConfig(path, { componentSchemas, environment })
}

test('a whole file is read into one value', async () => {
  const config = await load(whole)
  assert.deepEqual(config.warnings, [])
  assert.equal(config.stateFolder, '/var/lib/holdfast')
  assert.deepEqual(config.signers, [signer])
  assert.equal(String(config.signingKey), 'file:/etc/holdfast/signing.key')
  assert.deepEqual(config.repositories['local'], { url: 'file:///srv/holdfast', recipients: [recipient] })
  const offsite = config.repositories['offsite']
  assert.ok(offsite !== undefined && 'accessKey' in offsite)
  assert.equal(offsite.accessKey?.scheme, 'env')
  const portal = config.apps['portal']
  assert.deepEqual(portal?.repositories, ['local', 'offsite'])
  assert.equal(portal?.intervalMilliseconds, 43_200_000)
  assert.deepEqual(portal?.retention, {
    last: 2,
    daily: 7,
    weekly: 4,
    monthly: 12,
    yearly: 5,
    minimum: 3,
    timezone: 'Europe/Paris',
    withinMilliseconds: 2_592_000_000,
  })
  assert.deepEqual(Object.keys(portal?.components ?? {}), ['database', 'files'])
  assert.equal(portal?.components['database']?.['port'], 5432)
})

test('what is left out has its default', async () => {
  const config = await load(`version: 1
repositories: { local: { url: file:///srv/holdfast } }
apps: { portal: { repositories: [local], components: { files: { kind: files, path: /srv } } } }
`)
  assert.equal(config.stateFolder, '/home/ada/.local/state/holdfast')
  assert.equal(config.signingKey, undefined)
  assert.deepEqual(config.signers, [])
  assert.deepEqual(config.repositories['local']?.recipients, [])
  assert.equal(config.apps['portal']?.intervalMilliseconds, 86_400_000)
  const none = { last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, withinMilliseconds: 0 }
  assert.deepEqual(config.apps['portal']?.retention, { ...none, minimum: 3, timezone: 'UTC' })
})

test('nothing in it can be changed', async () => {
  const config = await load(whole)
  const unfrozen = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(unfrozen))
  assert.ok(!unfrozen(config))
})

test('a literal secret is taken with a warning and printed nowhere', async () => {
  const config = await load(whole.replace('password: file:/etc/holdfast/db.password', 'password: hunter2'))
  const password = config.apps['portal']?.components['database']?.['password']
  assert.ok(password instanceof SecretReference)
  assert.equal((await password.resolve()).reveal(), 'hunter2')
  assert.deepEqual(config.warnings, [
    `${config.path}:32:19: apps.portal.components.database.password: a secret is written here; write env:NAME or file:/path instead`,
  ])
  assert.ok(!`${JSON.stringify(config)} ${inspect(config, { depth: 20, showHidden: true })}`.includes('hunter2'))
})

test('a file with a literal secret that others may read is warned about', async () => {
  const text = whole.replace('password: file:/etc/holdfast/db.password', 'password: hunter2')
  assert.match((await load(text, 0o644)).warnings[0] ?? '', /others than the owner can read this file/)
  assert.equal((await load(text, 0o640)).warnings.length, 1)
  assert.equal((await load(whole, 0o644)).warnings.length, 0)
})

test('a secret file with a relative path is warned about', async () => {
  const { warnings } = await load(whole.replace('file:/etc/holdfast/db.password', 'file:db.password'))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /file:db\.password depends on the folder/)
})

const isFailure = (kind: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Failure)
  assert.equal(error.kind, kind)
  assert.match(error.message, pattern)
  return true
}

test('files that cannot be read are told apart', async () => {
  const options = { componentSchemas, environment }
  await assert.rejects(
    loadConfig(join(folder, 'absent.yaml'), options),
    isFailure('notFound', /absent\.yaml does not exist/),
  )
  await assert.rejects(loadConfig(folder, options), isFailure('usage', /is not a file/))
  await assert.rejects(load(new Uint8Array([0x61, 0xff])), isFailure('usage', /is not UTF-8/))
  await assert.rejects(load(`# ${'x'.repeat(1024 * 1024)}`), isFailure('usage', /is longer than/))
})
