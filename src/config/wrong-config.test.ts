import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresSettings } from '../components/postgres/schema.ts'
import { Failure } from '../core/failure.ts'
import { storageKinds } from '../storage/all.ts'
import { parseConfig } from './load-config.ts'
import { urlExamples } from './repository-schema.ts'
import { filesStandIn, recipient, signer, whole } from './testing/examples.ts'

/** Of a repository whose URL is wrong, the keys of every kind may be meant. */
const storageKeys = [...new Set(storageKinds.flatMap(({ settings }) => Object.keys(settings)))].join(', ')

/** The problems of a text, one a line, as the operator sees them. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, {
      path: 'holdfast.yaml',
      isPrivate: true,
      componentSchemas: { postgres: postgresSettings, files: filesStandIn },
      environment: { variables: {}, userId: 0 },
    })
    return []
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.kind, 'usage')
    return error.message.split('\n').map((line) => line.replace(/^holdfast\.yaml:/, ''))
  }
}

test('the example is right', () => assert.deepEqual(problemsOf(whole), []))

const postgresKeys = [...Object.keys(postgresSettings.shape), 'captureWhile'].join(', ')

/** One change to the example and what is said of it. */
const slips: readonly (readonly [change: string, into: string, ...problems: string[]])[] = [
  [
    'port: 5432',
    'prot: 5432',
    `29:9: apps.portal.components.database.prot: unknown key; did you mean "port"? allowed: ${postgresKeys}`,
  ],
  [
    'kind: files',
    'kind: files\n        captureWhile: stopped',
    '36:23: apps.portal.components.files.captureWhile: found "stopped"; allowed: running, paused',
  ],
  [
    'kind: files',
    'kind: files\n        captureWhile: paused',
    '36:23: apps.portal.components.files.captureWhile: found "paused", and the app has no platform; say under apps.portal.platform what is to be stopped',
  ],
  [
    'components:',
    'hooks: {beforeCapture: [{command: [a], where: {kind: compose, service: server}}]}\n    components:',
    '25:58: apps.portal.hooks.beforeCapture[0].where.kind: found "compose", and the app has no platform; say under apps.portal.platform where it is',
  ],
  [
    'components:',
    'hooks: {beforeCapture: [{command: [a], where: {kind: podman, service: server}}]}\n    components:',
    '25:58: apps.portal.hooks.beforeCapture[0].where.kind: found "podman"; allowed: compose, kubernetes',
    '25:58: apps.portal.hooks.beforeCapture[0].where.kind: found "podman", and the app has no platform; say under apps.portal.platform where it is',
  ],
  ['apps:\n', 'apps:\n  __proto__: {}\n', '21:3: apps.__proto__: is no name'],
  ['version: 1', 'version: 2', '2:10: version: found 2; allowed: 1'],
  ['version: 1\n', '', '2:1: version: is missing; allowed: 1'],
  [
    'signingKey:',
    'signing_key:',
    '4:1: signing_key: unknown key; did you mean "signingKey"? allowed: version, state, signingKey, identity, signers, offlineRecipients, alarms, repositories, apps',
  ],
  ['state: /var/lib/holdfast', 'state: var', '3:8: state: found "var"; expected an absolute path'],
  [
    `[${signer}]`,
    '[ed25519:abc]',
    '6:11: signers[0]: found "ed25519:abc"; expected ed25519: and the base64 of 32 bytes',
  ],
  ['port: 5432', 'port: "5432"', '29:15: apps.portal.components.database.port: found "5432"; expected a number'],
  ['port: 5432', 'port: 0', '29:15: apps.portal.components.database.port: found 0; expected at least 1'],
  ['port: 5432', 'port: 70000', '29:15: apps.portal.components.database.port: found 70000; expected at most 65535'],
  [
    'tls: verify-full',
    'tls: verify_full',
    '33:14: apps.portal.components.database.tls: found "verify_full"; did you mean "verify-full"? allowed: disable, require, verify-full',
  ],
  ['        user: portal\n', '', '26:7: apps.portal.components.database.user: is missing; expected text'],
  [
    'user: portal',
    'user: 12',
    '31:15: apps.portal.components.database.user: found a number without quotes; expected text',
  ],
  ['user: portal', 'user: ""', '31:15: apps.portal.components.database.user: found ""; expected at least 1 character'],
  [
    'kind: postgres',
    'kind: postgress',
    '27:15: apps.portal.components.database.kind: found "postgress"; did you mean "postgres"? allowed: postgres, files',
  ],
  ['        kind: postgres\n', '', '26:7: apps.portal.components.database.kind: is missing; allowed: postgres, files'],
  [
    'interval: 12h',
    'interval: 12 hours',
    '23:15: apps.portal.interval: found "12 hours"; expected a length of time such as 90m, 24h, 7d or 4w',
  ],
  [
    'interval: 12h',
    'interval: 0h',
    '23:15: apps.portal.interval: found "0h"; expected a length of time such as 90m, 24h, 7d or 4w',
  ],
  [
    'daily: 7',
    'dayly: 7',
    '24:27: apps.portal.retention.dayly: unknown key; did you mean "daily"? allowed: last, daily, weekly, monthly, yearly, within, minimum, timezone',
  ],
  ['daily: 7', 'daily: -1', '24:34: apps.portal.retention.daily: found -1; expected at least 0'],
  ['daily: 7', 'daily: 1.5', '24:34: apps.portal.retention.daily: found 1.5; expected a whole number'],
  ['minimum: 3', 'minimum: 0', '24:94: apps.portal.retention.minimum: found 0; expected at least 1'],
  [
    'Europe/Paris',
    'Europe/Pariss',
    '24:107: apps.portal.retention.timezone: found "Europe/Pariss"; no such time zone; did you mean "Europe/Paris"? expected an IANA name such as Europe/Paris',
  ],
  [
    '[local, offsite]',
    '[local, ofsite]',
    '22:27: apps.portal.repositories[1]: found "ofsite"; no such repository; did you mean "offsite"? allowed: local, offsite',
  ],
  ['[local, offsite]', '[local, local]', '22:27: apps.portal.repositories[1]: found "local" a second time'],
  ['[local, offsite]', '[]', '22:19: apps.portal.repositories: found a list; expected at least 1 entry'],
  ['[local, offsite]', 'local', '22:19: apps.portal.repositories: found "local"; expected a list'],
  [
    '  portal:\n',
    '  My Portal:\n',
    '21:3: apps.My Portal: is no name; did you mean "my-portal"? expected up to 63 lower-case letters, digits and hyphens',
  ],
  ['      files:\n', '      database:\n', '34:7: database is written a second time'],
  ['  offsite:\n', '  local:\n', '9:3: local is written a second time'],
  ['    region: eu-1', '\tregion: eu-1', '12:1: a tab indents this line; expected spaces'],
  [
    's3://bucket/prefix',
    's3://key:hunter2@bucket',
    '10:10: repositories.offsite.url: found "s3://[secret]@bucket"; expected no credentials; write them under accessKey and secretKey as references',
  ],
  [
    's3://bucket/prefix',
    'http://bucket',
    `10:10: repositories.offsite.url: found "http://bucket"; expected ${urlExamples}`,
  ],
  [
    's3://bucket/prefix',
    's3:///prefix',
    '10:10: repositories.offsite.url: found "s3:///prefix"; expected s3:// and the name of a bucket',
  ],
  [
    'file:///srv/holdfast',
    '/srv/holdfast',
    '8:17: repositories.local.url: found "/srv/holdfast"; did you mean "file:///srv/holdfast"?',
  ],
  [
    'file:///srv/holdfast',
    'file://srv/holdfast',
    '8:17: repositories.local.url: found "file://srv/holdfast"; expected file:// and an absolute folder',
  ],
  [
    'file:///srv/holdfast,',
    'file:///srv/holdfast, region: x,',
    '8:39: repositories.local.region: only repositories at s3://… have this',
  ],
  [
    'file:///srv/holdfast,',
    'file:///srv/holdfast, accessKey: env:KEY,',
    '8:39: repositories.local.accessKey: only repositories at s3://… have this',
  ],
  [
    'file:///srv/holdfast,',
    'file:///srv/holdfast, recipient: x,',
    '8:39: repositories.local.recipient: unknown key; did you mean "recipients"? allowed: url, recipients',
  ],
  [
    '    secretKey: file:/etc/holdfast/s3.secret\n',
    '',
    '13:5: repositories.offsite.accessKey: accessKey and secretKey are given together or not at all',
  ],
  [
    'https://s3.example.org',
    's3.example.org',
    '11:15: repositories.offsite.endpoint: found "s3.example.org"; expected an http or https URL',
  ],
  [
    `- ${recipient}`,
    '- AGE-SECRET-KEY-1HUNTER2',
    '19:9: repositories.offsite.recipients[0]: found what looks like a private key (not shown); expected an age recipient, age1…',
  ],
]

for (const [change, into, ...expected] of slips) {
  test(`${JSON.stringify(change)} written as ${JSON.stringify(into)}`, () => {
    assert.ok(whole.includes(change))
    const problems = problemsOf(whole.replace(change, into))
    assert.deepEqual(problems, expected)
    assert.ok(!/hunter2/i.test(problems.join('\n')))
  })
}

test('all problems are told at once, in the order of the file', () => {
  const text = `version: 1
repositories:
  Local: { url: 5, recipiens: [] }
apps:
  portal:
    repositories: [local]
    components:
      database: { kind: postgres, prot: 1, user: 7 }
      files: { kind: fils }
    retention: { timezone: Mars }
`
  assert.deepEqual(
    problemsOf(text).map((line) => line.replace(/(;.*?);.*/, '$1')),
    [
      '3:3: repositories.Local: is no name; did you mean "local"? expected up to 63 lower-case letters, digits and hyphens',
      '3:17: repositories.Local.url: found a number without quotes; expected text',
      `3:20: repositories.Local.recipiens: unknown key; did you mean "recipients"? allowed: url, recipients, ${storageKeys}`,
      '6:20: apps.portal.repositories[0]: found "local"; no such repository',
      '8:7: apps.portal.components.database.database: is missing; expected text',
      `8:35: apps.portal.components.database.prot: unknown key; did you mean "port"? allowed: ${postgresKeys}`,
      '8:50: apps.portal.components.database.user: found a number without quotes; expected text',
      '9:22: apps.portal.components.files.kind: found "fils"; did you mean "files"? allowed: postgres, files',
      '10:28: apps.portal.retention.timezone: found "Mars"; no such time zone',
    ],
  )
})

const rest = `repositories: { local: { url: file:///srv } }
apps: { portal: { repositories: [local], components: { files: { kind: files, path: /srv } } } }
`

const texts: readonly (readonly [name: string, text: string, ...problems: string[]])[] = [
  ['an empty file', '', '1:1: the file is empty; holdfast init writes one to start from'],
  ['only comments', '# nothing\n', '1:1: the file is empty; holdfast init writes one to start from'],
  ['a list', '- version: 1\n', '1:1: found a list; expected a map'],
  ['text', 'holdfast\n', '1:1: found "holdfast"; expected a map'],
  [
    'no apps',
    'version: 1\nrepositories: { local: { url: file:///srv } }\napps: {}\n',
    '3:1: apps: is empty; expected at least one',
  ],
  [
    'apps of nothing',
    'version: 1\nrepositories: { local: { url: file:///srv } }\napps:\n',
    '3:6: apps: found nothing; expected a map',
  ],
  [
    'an unclosed list',
    `version: 1\nsigners: [\n${rest}`,
    '3:1: flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['two documents', `version: 1\n${rest}---\nversion: 1\n`, '4:1: a second document begins; expected one'],
  ['an unknown anchor', `version: *one\n${rest}`, '1:10: no anchor &one before this'],
  ['an unknown tag', `version: !!js/function 1\n${rest}`, '1:10: unresolved tag: tag:yaml.org,2002:js/function'],
  [
    'a key like the prototype',
    `__proto__: { version: 1 }\nversion: 1\n${rest}`,
    '1:1: __proto__: unknown key; allowed: version, state, signingKey, identity, signers, offlineRecipients, alarms, repositories, apps',
  ],
]

for (const [name, text, ...expected] of texts) {
  test(name, () => assert.deepEqual(problemsOf(text), expected))
}

test('an anchor may be used, and a bomb of anchors is not expanded', () => {
  assert.deepEqual(problemsOf(whole.replace('[local, offsite]', '&both [local, offsite]')), [])
  const layers = Array.from(
    { length: 12 },
    (_, layer) =>
      `l${layer}: &l${layer} [${Array(9)
        .fill(layer === 0 ? 'x' : `*l${layer - 1}`)
        .join(', ')}]`,
  )
  assert.deepEqual(problemsOf(`version: 1\n${layers.join('\n')}\n`), [
    '3:10: anchors are used too often; at most 100 times',
  ])
})

test('two repositories in one place are one copy', () => {
  const text = `version: 1\nrepositories:\n  a: { url: file:///srv }\n  b: { url: file:///srv/ }\napps: { portal: { repositories: [a, b], components: { files: { kind: files, path: /srv } } } }\n`
  assert.deepEqual(problemsOf(text), ['4:13: repositories.b.url: is the same place as repository a'])
})

test('a problem in a part that an alias brings is told where it is written', () => {
  const components = '{ x: &c { kind: files, path: /srv, extra: 1 }, y: *c }'
  const text = `version: 1\nrepositories: { a: { url: file:///srv } }\napps: { portal: { repositories: [a], components: ${components} } }\n`
  assert.deepEqual(problemsOf(text), [
    '3:85: apps.portal.components.x.extra: unknown key; allowed: kind, path, exclude, captureWhile',
    '3:85: apps.portal.components.y.extra: unknown key; allowed: kind, path, exclude, captureWhile',
  ])
})
