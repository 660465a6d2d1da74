import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { assertFailed, type ErrorDocument, type Expected } from './expect.ts'
import { holdfast } from './holdfast.ts'

/** Configurations that cannot be used: the place, what was found, what is allowed, and nothing done. */
const folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'))
after(() => rm(folder, { recursive: true, force: true }))

const GOOD = `version: 1
state: ${folder}/state
signingKey: file:${folder}/signing.key
identity: file:${folder}/identity.txt
repositories:
  main:
    url: file://${folder}/repository
apps:
  portal:
    repositories: [main]
    components:
      database:
        kind: postgres
        host: localhost
        user: holdfast
        password: env:DATABASE_PASSWORD
        database: portal
`
const usage = (message: RegExp, hint = /./): Expected => ({ code: 2, kind: 'usage', message, hint })

async function refused(text: string, expected: Expected, args: readonly string[] = ['points']): Promise<ErrorDocument> {
  await writeFile(join(folder, 'holdfast.yaml'), text)
  const error = assertFailed(await holdfast(folder, [...args, '--json']), expected)
  assert.deepEqual(await readdir(folder), ['holdfast.yaml'], 'nothing is made for a configuration that cannot be used')
  return error
}

test('a misspelled key is named with its place and the nearest word', async () => {
  await refused(
    GOOD.replace('repositories: [main]', 'repositoris: [main]'),
    usage(/holdfast\.yaml:10:5.*repositoris.*repositories/s),
  )
  await refused(GOOD.replace('kind: postgres', 'kind: postgress'), usage(/holdfast\.yaml:13:15.*postgress.*postgres/s))
  await refused(GOOD.replace('[main]', '[mian]'), usage(/holdfast\.yaml:10:20.*mian.*main/s))
})

test('several mistakes are told at once', async () => {
  const error = await refused(
    GOOD.replace('version: 1', 'version: 7').replace('user: holdfast', 'user: 5').replace('host:', 'hots:'),
    usage(/holdfast\.yaml/),
  )
  for (const place of [/:1:10/, /:14:9/, /:15:15/]) assert.match(error.message, place)
})

test('text that is no YAML, a tab, a duplicate key and no file at all are told with their place', async () => {
  await refused(GOOD.replace('apps:', 'apps: ['), usage(/holdfast\.yaml:\d+:\d+/))
  await refused(GOOD.replace('  main:', '\tmain:'), usage(/holdfast\.yaml:6:\d+/))
  await refused(`${GOOD}version: 1\n`, usage(/holdfast\.yaml:1[0-9]:1/))
  await refused('', usage(/holdfast\.yaml/))
  await refused('- a list\n', usage(/holdfast\.yaml:1:1/))
})

test('a configuration that is not there is not found, and one that is a folder or random bytes is said so', async () => {
  assertFailed(await holdfast(folder, ['points', '--json', '--config', join(folder, 'absent.yaml')]), {
    code: 10,
    kind: 'notFound',
    message: /absent\.yaml/,
    hint: /holdfast init/,
  })
  const binary = join(folder, 'binary.yaml')
  await writeFile(binary, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))
  const ran = await holdfast(folder, ['points', '--json', '--config', binary])
  assertFailed(ran, usage(/binary\.yaml/))
  await rm(binary)
  assertFailed(await holdfast(folder, ['points', '--json', '--config', '/']), usage(/\//))
})

test('a literal secret in a wrong configuration is never shown', async () => {
  const literal = 'hunter2-literal-password'
  await writeFile(
    join(folder, 'holdfast.yaml'),
    GOOD.replace('env:DATABASE_PASSWORD', literal).replace('user: holdfast', 'usr: holdfast'),
  )
  const ran = await holdfast(folder, ['points'])
  assert.equal(ran.code, 2)
  assert.doesNotMatch(ran.out + ran.error, new RegExp(literal))
})

test('wrong use of the command line says what is meant', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), GOOD)
  for (const [args, message] of [
    [['bakcup'], /unknown command 'bakcup'[\s\S]*Did you mean backup/],
    [['backup', '--dry-rum'], /unknown option '--dry-rum'[\s\S]*--dry-run/],
    [['show'], /missing required argument 'point'/],
    [['restore', '--target', 'sideways'], /sideways.*swap, stage, in-place/],
    [['key', 'export', 'recovery'], /--to <file>/],
  ] as const) {
    const ran = await holdfast(folder, args)
    assert.equal(ran.code, 2, ran.error)
    assert.match(ran.error, message)
    assert.match(ran.error, /help/)
    const said = new RegExp(message.source.replace('[\\s\\S]*', '.*'))
    assertFailed(await holdfast(folder, [...args, '--json']), usage(said, /holdfast help/))
  }
  assertFailed(
    await holdfast(folder, ['verify', 'yesterday', '--json']),
    usage(/"yesterday" names no restore point/, /latest/),
  )
  assertFailed(
    await holdfast(folder, ['verify', 'latest', '--sample', '0', '--json']),
    usage(/--sample "0"/, /percentage/),
  )
  assertFailed(await holdfast(folder, ['backup', 'protal', '--json']), {
    code: 10,
    kind: 'notFound',
    message: /no app "protal"/,
    hint: /portal/,
  })
})

test('a configuration that others can read is used with a warning only when it holds a secret', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), GOOD.replace('env:DATABASE_PASSWORD', 'a-literal-password'))
  await chmod(join(folder, 'holdfast.yaml'), 0o644)
  const ran = await holdfast(folder, ['points'])
  assert.match(ran.error, /warning: .*password/)
  assert.doesNotMatch(ran.out + ran.error, /a-literal-password/)
})
