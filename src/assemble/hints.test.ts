import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseSync, Visitor } from 'oxc-parser'
import { componentSchemas } from '../operations/component-schemas.ts'
import { configJsonSchema } from '../config/schema.ts'

/** A hint says the next step, so the keys of the configuration that it names must be there. */
const layers = [
  'storage',
  'config',
  'assemble',
  'operations/init',
  'operations/keys',
  'operations/storages',
  'repository',
  'system',
]
const source = join(import.meta.dirname, '..')

/** Every key that may be written in the configuration, at whatever depth. */
function keysOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf)
  if (typeof schema !== 'object' || schema === null) return []
  const own =
    'properties' in schema && typeof schema.properties === 'object' ? Object.keys(schema.properties ?? {}) : []
  return [...own, ...Object.values(schema).flatMap(keysOf)]
}

/** All texts under the name `hint`, and the ones that are named so in capitals (`NEEDED`) or given to it. */
function hintsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const hints: string[] = []
  const collect = (start: number, end: number): void => {
    for (const [, quoted = ''] of text.slice(start, end).matchAll(/['"`]((?:[^'"`\\]|\\.|(?<=\w)'(?=\w))*)['"`]/g))
      hints.push(quoted)
  }
  new Visitor({
    Property: ({ key, value }) => {
      if (key.type === 'Identifier' && key.name === 'hint') collect(value.start, value.end)
    },
    VariableDeclarator: ({ id, init }) => {
      const isHint = id.type === 'Identifier' && (/hint/i.test(id.name) || id.name === 'NEEDED')
      if (isHint && init !== null) collect(init.start, init.end)
    },
  }).visit(parseSync(file, text).program)
  return hints
}

/** Words after these verbs that are plain English. */
const plain = ['a', 'an', 'the', 'both', 'it']

/** What reads like a key: a word with a capital in it, and one that is to be set or checked. */
function keysIn(hint: string): string[] {
  const compound = hint.replaceAll(/\$\{.*$/g, '').match(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g) ?? []
  const told = hint.matchAll(
    /(?:\bSet|\bor set|\bRaise|\bLower|\bsetting|\(or|\bCheck(?= [a-z]+(?:,| in the conf))) ([a-z]+)\b/g,
  )
  return [...compound, ...[...told].map(([, word = '']) => word).filter((word) => !plain.includes(word))]
}

const files = layers.flatMap((layer) =>
  readdirSync(join(source, layer), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing/'))
    .map((file) => join(source, layer, file)),
)
const hints = files.flatMap(hintsOf)
const keys = new Set(keysOf(configJsonSchema(componentSchemas)))

test('every key that a hint names can be written in the configuration', () => {
  assert.ok(hints.length > 60 && keys.size > 40, `${hints.length} hints, ${keys.size} keys`)
  const named = hints.flatMap(keysIn)
  for (const known of ['region', 'endpoint', 'accessKey', 'ca', 'state', 'identity'])
    assert.ok(named.includes(known), known)
  const strange = hints.flatMap((hint) => keysIn(hint).flatMap((key) => (keys.has(key) ? [] : [`${key}: ${hint}`])))
  assert.deepEqual(strange, [])
})

test('a key that does not exist is seen in a hint', () => {
  const lines = [
    'Set caFile to the authority.',
    'Raise partSize.',
    'Check the setting trust.',
    'Set region (or place).',
  ]
  assert.deepEqual(lines.map(keysIn), [['caFile'], ['partSize'], ['trust'], ['region', 'place']])
})
