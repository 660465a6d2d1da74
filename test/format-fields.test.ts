import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { drivers } from '../src/components/all.ts'
import * as documents from '../src/repository/documents/documents.ts'
import { KIND_NUMBERS, MANIFEST_NUMBER } from '../src/repository/envelope/header.ts'

/** Every field that is written into a repository has its place in docs/reference/format.md. */
const format = readFileSync(join(import.meta.dirname, '../docs/reference/format.md'), 'utf8')
/** All words that are written as code: those of sentences may mean something else. */
const words = new Set(
  [...format.matchAll(/^```[^]*?^```$|`(?:[^`\n]|\n(?!\n))+`/gm)].flatMap(([code]) => code.split(/\W+/)),
)

/** The names of all members of a JSON schema, at any depth. */
function membersOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(membersOf)
  if (typeof schema !== 'object' || schema === null) return []
  const members = 'properties' in schema && typeof schema.properties === 'object' ? (schema.properties ?? {}) : {}
  return [
    ...Object.keys(members),
    ...Object.values(schema).flatMap(membersOf),
    ...Object.values(members).flatMap(membersOf),
  ]
}

function undocumented(schema: z.ZodType): string[] {
  const members = new Set(membersOf(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' })))
  return [...members].filter((name) => !words.has(name))
}

for (const driver of drivers) {
  test(`docs/reference/format.md has every field of the details of ${driver.kind}`, () => {
    assert.deepEqual(undocumented(driver.details), [])
  })
}

test('docs/reference/format.md says which artifacts each kind of component has', () => {
  const cells = [...format.matchAll(/^\| (`[^|]+`) \| `[^|]+\(\d\)[^|]* \|$/gm)].map(([, cell = '']) => cell)
  const without = drivers.filter(({ kind }) => !cells.some((cell) => cell.split(', ').includes(`\`${kind}\``)))
  assert.deepEqual(
    without.map(({ kind }) => kind),
    [],
  )
})

/** The numbers before a word, as the format and recover.py list them. */
const numbersIn = (text: string | undefined, before: RegExp): number[] =>
  [...(text ?? '').matchAll(before)].map(([, number]) => Number(number))

test('docs/reference/format.md and recover.py know every number of an artifact', () => {
  const recover = readFileSync(join(import.meta.dirname, '../src/repository/recovery/recover.py'), 'utf8')
  const numbers = [...Object.values(KIND_NUMBERS), MANIFEST_NUMBER].toSorted((a, b) => a - b)
  assert.deepEqual(numbersIn(/^\| 48 \| 1 \| kind: (.*)$/m.exec(format)?.[1], /(\d+) [A-Za-z]/g), numbers)
  assert.deepEqual(numbersIn(/^KINDS = (.*)$/m.exec(recover)?.[1], /(\d+): "/g), numbers)
  assert.deepEqual(numbersIn(/^EXTENSIONS = (.*)$/m.exec(recover)?.[1], /(\d+): "/g), numbers)
})

for (const [name, schema] of Object.entries(documents)) {
  if (!(schema instanceof z.ZodType)) continue
  test(`docs/reference/format.md has every field of ${name}`, () => assert.deepEqual(undocumented(schema), []))
}

test('a field that is nowhere in it is found', () => {
  assert.deepEqual(undocumented(z.object({ point: z.string(), nested: z.array(z.object({ nowhere: z.string() })) })), [
    'nested',
    'nowhere',
  ])
})
