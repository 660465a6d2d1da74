import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainThing, type Surroundings, type Thing } from '../../../platforms/surroundings.ts'
import { profileNamed } from '../../../profiles/all.ts'
import { isImage, matchesAny } from './match.ts'
import { recognise } from './recognise.ts'

const reach = { kind: 'compose', service: 'x' }
const program = (name: string, more: Partial<Thing> = {}): Thing => ({
  ...plainThing,
  kind: 'service',
  name,
  reach,
  ...more,
})
const secret = (name: string): Thing => ({ ...plainThing, kind: 'Secret', name })
const place = (...things: readonly Thing[]): Surroundings => ({
  place: 'here',
  name: 'app',
  settings: {},
  things,
  ownFiles: [],
  pausing: () => ({}),
})
const find = (profile: string, ...things: readonly Thing[]) =>
  recognise(profileNamed(profile) ?? assert.fail(), place(...things))
const server = program('api', { variables: { ZITADEL_MASTERKEY: { from: 'text' } } })

test('an image is known by its path without registry, tag and digest', () => {
  for (const image of [
    'postgres',
    'postgres:16-alpine',
    'docker.io/library/postgres@sha256:00',
    'host:5000/a/postgres:1',
  ])
    assert.ok(isImage(['postgres'], image), image)
  for (const image of ['postgres-exporter', 'host/postgres/exporter:1', 'mypostgres'])
    assert.ok(!isImage(['postgres'], image), image)
  assert.ok(isImage(['goauthentik/server'], 'ghcr.io/goauthentik/server:2026.2'))
  assert.ok(matchesAny(['a.b*'], 'a.bc') && !matchesAny(['a.b*'], 'axbc'))
})

test('the database of the app by its own name goes before any other PostgreSQL', () => {
  const found = find('zitadel', program('postgres'), program('zitadel-db'), server)
  assert.equal(found.database.name, 'zitadel-db')
})

test('a database is never a writer, and what only shares a name with another app is none', () => {
  const labels = { 'app.kubernetes.io/name': 'zitadel' }
  const found = find('zitadel', program('zitadel-db', { labels }), server, program('site'))
  assert.deepEqual(
    found.writers.map(({ name }) => name),
    ['api'],
  )
})

test('writers stop in the order of the profile, whatever the order in which they were listed', () => {
  const things = [server, program('zitadel'), program('zitadel-login'), program('zitadel-db')]
  for (const list of [things, things.toReversed()])
    assert.deepEqual(
      find('zitadel', ...list).writers.map(({ name }) => name),
      ['zitadel-login', 'api', 'zitadel'],
    )
})

test('Secrets are those that the app takes in and those of its names, and no others', () => {
  const user = { ...server, uses: ['Secret/odd-name', 'Secret/gone'] }
  const found = find(
    'zitadel',
    user,
    program('zitadel-db'),
    secret('odd-name'),
    secret('login-client'),
    secret('other'),
  )
  assert.deepEqual(
    found.pools.map(({ name }) => name),
    ['odd-name', 'login-client'],
  )
})

test('an app without its database, and a database without the app, are not taken for it', () => {
  assert.throws(() => find('zitadel', server), {
    kind: 'notFound',
    message: /holds no database of zitadel; there is service api/,
  })
  assert.throws(() => find('zitadel', program('zitadel-db')), { kind: 'notFound', message: /holds no zitadel/ })
  assert.throws(() => find('zitadel'), { message: /there is nothing/ })
})

test('two databases are refused, for Holdfast does not guess', () => {
  const both = [program('a-postgresql'), program('b-postgresql')]
  assert.throws(() => find('generic', ...both), {
    kind: 'refused',
    message: /service a-postgresql, service b-postgresql/,
  })
})
