import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { filesSettings } from '../../components/files/schema.ts'
import { secretsSettings } from '../../components/secrets/schema.ts'
import { postgresSettings } from '../../components/postgres/schema.ts'
import { parseConfig, type Config } from '../load-config.ts'
import { declared } from '../../profiles/use-recipe.ts'
import { storageKinds } from '../../storage/all.ts'
import { profiles } from '../../profiles/all.ts'
import { startingConfig, type StartingValues } from './starting-config.ts'
import { recipient, signer } from '../testing/examples.ts'
import { withKeys } from './with-keys.ts'

const values: StartingValues = {
  app: 'portal',
  repository: { name: 'local', url: 'file:///srv/holdfast' },
  database: { host: '/run/postgresql', name: 'portal', user: 'portal' },
  keyFolder: '/etc/holdfast',
}

function parse(text: string): Config {
  const componentSchemas = { postgres: postgresSettings, files: filesSettings, secrets: secretsSettings }
  return parseConfig(text, {
    path: 'holdfast.yaml',
    isPrivate: true,
    componentSchemas,
    environment: { variables: {}, userId: 0 },
  })
}

test('the starting file is valid as it is', () => {
  const config = parse(startingConfig(values))
  assert.deepEqual(config.warnings, [])
  assert.equal(String(config.signingKey), 'file:/etc/holdfast/signing.key')
  assert.equal(String(config.identity), 'file:/etc/holdfast/identity.txt')
  assert.deepEqual(config.signers, [])
  assert.deepEqual(Object.keys(config.apps['portal']?.components ?? {}), ['database'])
  assert.equal(config.apps['portal']?.components['database']?.['host'], '/run/postgresql')
})

test('what is known is filled in', () => {
  const config = parse(startingConfig({ ...values, databasePassword: 'env:PORTAL_PASSWORD', files: '/srv/portal' }))
  const components = config.apps['portal']?.components
  assert.equal(String(components?.['database']?.['password']), 'env:PORTAL_PASSWORD')
  assert.equal(components?.['files']?.['path'], '/srv/portal')
})

test('its examples are valid when the comment signs are taken away', () => {
  const settings = storageKinds.flatMap(({ offsite = {} }) => Object.keys(offsite)).join('|')
  const keys = `offsite(?:-\\d)?|${settings}|recipients|files|kind|path|password|checks|- name|sql|expect`
  const text = startingConfig(values).replace(new RegExp(`^( *)# ((?: {2})*(?:${keys}):?.*)$`, 'gm'), '$1$2')
  const config = parse(text)
  assert.deepEqual(
    Object.values(config.repositories).map(({ url }) => url),
    [values.repository.url, ...storageKinds.flatMap(({ offsite }) => offsite?.['url'] ?? [])],
  )
  assert.deepEqual(Object.keys(config.apps['portal']?.components ?? {}), ['database', 'files'])
  assert.ok(Array.isArray(config.apps['portal']?.components['database']?.['checks']))
})

test('values arrive as they are, whatever they hold', () => {
  const text = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }).filter((value) => value.isWellFormed())
  fc.assert(
    fc.property(text, text, (name, user) => {
      const config = parse(startingConfig({ ...values, database: { host: 'db', name, user } }))
      assert.equal(config.apps['portal']?.components['database']?.['database'], name)
      assert.equal(config.apps['portal']?.components['database']?.['user'], user)
    }),
    {
      numRuns: 60,
      examples: [['\0', '\n\0\0\0\0\0\0']],
      interruptAfterTimeLimit: 20_000,
      markInterruptAsFailure: true,
    },
  )
})

test('keys are entered and all else stays', () => {
  const before = startingConfig(values)
  const after = withKeys(before, { signers: [signer], recipients: { local: [recipient, recipient] } })
  const config = parse(after)
  assert.deepEqual(config.signers, [signer])
  assert.deepEqual(config.repositories['local']?.recipients, [recipient, recipient])
  const changed = `signers:\n  - ${signer}`
  const entered = before
    .replace('signers: []', changed)
    .replace('recipients: []', `recipients:\n      - ${recipient}\n      - ${recipient}`)
  assert.equal(after, entered)
})

for (const profile of profiles.filter((one) => one.template !== undefined))
  test(`the template of ${profile.name} is valid as it is, and its key fit names what it has`, () => {
    const { name } = profile
    const place = { environmentFile: '/opt/it has "a" name/.env', hasUrl: false }
    const text = startingConfig({ ...values, app: name, known: profile.template?.text(place) })
    const config = parse(withKeys(text, { signers: [signer], recipients: { local: [recipient] } }))
    assert.deepEqual(config.warnings, [])
    const app = config.apps[name]
    assert.deepEqual(Object.keys(app?.components ?? {}), ['database', 'keys'])
    const checks = app?.components['database']?.['checks']
    assert.ok(Array.isArray(checks) && checks.length === 1)
    const fit = declared(app?.keyFit[0] ?? assert.fail())
    const secrets = app?.components['keys']?.['secrets'] as Record<string, { file: string }>
    for (const source of Object.values(fit.keys)) {
      if (source.kind !== 'secret') continue
      assert.equal(secrets[source.secret]?.file, place.environmentFile)
    }
  })
