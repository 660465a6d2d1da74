import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresSettings } from '../../components/postgres/schema.ts'
import { Failure } from '../../core/failure.ts'
import { parseConfig } from '../load-config.ts'
import { filesStandIn, whole } from '../testing/examples.ts'

const kinds = { postgres: postgresSettings, files: filesStandIn }
const [first = ''] = whole.split(/^ {4}components:/m)
const line = first.split('\n').length

/** What is said of the example with this key fit, without the name of the file. */
function problemsWith(...lines: readonly string[]): string {
  const text = whole.replace(
    /^ {4}components:/m,
    `    keyFit:\n${lines.map((each) => `      ${each}\n`).join('')}    components:`,
  )
  const options = { path: 'x', isPrivate: true, componentSchemas: kinds, environment: { variables: {}, userId: 0 } }
  try {
    parseConfig(text, options)
    return ''
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'usage', String(error))
    return error.message.replaceAll(/^x:/gm, '')
  }
}

test('components that the app does not have are named, with the nearest', () => {
  const said = problemsWith(
    '- kind: recipe',
    '  recipe: zitadel',
    '  database: databse',
    '  keys: { masterkey: { component: databas, secret: masterkey } }',
  )
  assert.match(
    said,
    new RegExp(
      `^${line + 3}:19: .*keyFit\\[0\\]\\.database: found "databse"; no such component; did you mean "database"`,
      'm',
    ),
  )
  assert.match(
    said,
    new RegExp(
      `^${line + 4}:\\d+: .*masterkey\\.component: found "databas"; no such component; did you mean "database"`,
      'm',
    ),
  )
})

test('a wrong recipe, an unknown key and a key that is not declared are said with their places', () => {
  assert.match(problemsWith('- { kind: recipe, recipe: zitdel, keys: {} }'), /found "zitdel"; did you mean "zitadel"/)
  assert.match(
    problemsWith('- { kind: recipe, recipe: zitadel, keys: {}, databse: x }'),
    /databse: unknown key; did you mean "database"/,
  )
  const declared = problemsWith(
    '- kind: declared',
    '  name: own',
    '  keys: { main: { kind: secret, component: database, secret: a } }',
    '  proofs: [{ kind: live, about: it, key: mian }]',
  )
  assert.match(
    declared,
    new RegExp(`^${line + 4}:\\d+: .*proofs\\[0\\]\\.key: found "mian"; no such key; did you mean "main"`, 'm'),
  )
})

test('what is right is taken', () => {
  assert.equal(
    problemsWith('- { kind: recipe, recipe: zitadel, keys: { masterkey: { component: database, secret: key } } }'),
    '',
  )
})
