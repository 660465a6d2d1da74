import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { openbaoSettings } from '../../components/openbao/schema.ts'
import { postgresSettings } from '../../components/postgres/schema.ts'
import { parseConfig, type Config } from '../load-config.ts'
import { mergeCarried } from './merge-carried.ts'
import { filesStandIn, recipient, signer, whole } from '../testing/examples.ts'

const componentSchemas = { postgres: postgresSettings, files: filesStandIn, openbao: openbaoSettings }

function configOf(text: string): Config {
  return parseConfig(text, { path: 'x', isPrivate: true, componentSchemas, environment: { variables: {}, userId: 0 } })
}

/** A secret in every place that takes one, and one that is not asked of anybody. */
const literal = (name: string): string => `hidden ${name}`
const everywhere = {
  version: 1,
  signingKey: literal('signing'),
  identity: literal('identity'),
  repositories: {
    off: { url: 's3://bucket/a', accessKey: literal('access'), secretKey: literal('secret'), recipients: [recipient] },
    other: { url: 's3://bucket/b', accessKey: literal('other access'), secretKey: literal('other secret') },
  },
  apps: {
    portal: {
      repositories: ['off'],
      retention: { within: '30d' },
      components: {
        database: {
          kind: 'postgres',
          database: 'portal',
          user: 'portal',
          password: literal('password'),
          restorePassword: literal('restore'),
        },
        keys: {
          kind: 'openbao',
          address: 'https://bao:8200',
          token: literal('token'),
          drillUnsealKeys: [literal('1')],
        },
        roles: {
          kind: 'openbao',
          address: 'https://bao:8200',
          appRole: { roleId: literal('role'), secretId: 'file:/etc/secret-id' },
        },
      },
    },
    billing: { repositories: ['other'], components: { files: { kind: 'files', path: '/srv/billing' } } },
  },
}

test('no secret of the file is carried, and every reference is', () => {
  const { carried } = configOf(stringify(everywhere))
  const text = JSON.stringify(carried)
  assert.doesNotMatch(text, /hidden/)
  for (const reference of ['SIGNINGKEY', 'OFF_SECRETKEY', 'PORTAL_DATABASE_PASSWORD', 'PORTAL_KEYS_DRILLUNSEALKEYS_0'])
    assert.match(text, new RegExp(`"env:${reference}"`))
  assert.match(text, /"file:\/etc\/secret-id"/)
})

test('what a secret refers to is not looked up', () => {
  process.env['CARRIED_TEST'] = 'hidden by a variable'
  const { carried } = configOf(stringify({ ...everywhere, signingKey: 'env:CARRIED_TEST' }))
  assert.equal(carried['portal']?.['signingKey'], 'env:CARRIED_TEST')
  assert.doesNotMatch(JSON.stringify(carried), /hidden/)
})

test('an app carries its own part, and the file that is made of it says the same', () => {
  const { carried } = configOf(stringify(everywhere))
  assert.deepEqual(Object.keys(carried), ['portal', 'billing'])
  assert.doesNotMatch(JSON.stringify(carried['portal']), /billing|bucket\/b/)
  const config = configOf(whole)
  assert.deepEqual(configOf(stringify(config.carried['portal'])), config)
})

test('the parts of several apps make one file, in which the newest says what they share', () => {
  const { carried } = configOf(stringify(everywhere))
  const [portal, billing] = [carried['portal'] ?? {}, carried['billing'] ?? {}]
  const { file, conflicts } = mergeCarried([{ ...portal, signers: [signer] }, billing])
  assert.deepEqual(conflicts, [])
  assert.deepEqual(Object.keys(configOf(stringify(file)).apps), ['portal', 'billing'])
  assert.deepEqual(file['signers'], [signer])
  const moved = { ...billing, repositories: { off: { url: 's3://elsewhere/off' }, other: { url: 's3://bucket/b' } } }
  const merged = mergeCarried([portal, moved])
  assert.deepEqual(merged.conflicts, ['off'])
  assert.match(JSON.stringify(merged.file), /bucket\/a/)
})

test('what an anchor stands for is replaced at each place', () => {
  const database = 'kind: postgres, database: portal, user: portal, password: &secret hidden twice'
  const text = `version: 1
repositories: { main: { url: "file:///srv/main" } }
apps: { portal: { repositories: [main], components: { a: { ${database} }, b: { kind: postgres, database: b, user: b, password: *secret } } } }
`
  const carried = JSON.stringify(configOf(text).carried)
  assert.doesNotMatch(carried, /hidden/)
  assert.match(carried, /PORTAL_A_PASSWORD.*PORTAL_B_PASSWORD/)
})
