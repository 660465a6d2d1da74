import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { schemaPath, schemaText } from '../../scripts/generate-schema.ts'
import { componentSchemas } from '../operations/component-schemas.ts'
import { parseConfig } from './load-config.ts'

const documentation = await readFile(fileURLToPath(new URL('../../docs/use/configuration.md', import.meta.url)), 'utf8')

test('docs/reference/holdfast.schema.json is what the schemas say', async () => {
  assert.equal(await readFile(schemaPath, 'utf8'), schemaText(), 'run scripts/generate-schema.ts')
})

test('docs/use/configuration.md has a row for every key', () => {
  assert.deepEqual(withoutRow(keysIn(JSON.parse(schemaText())), documentation), [])
})

for (const [kind, schema] of Object.entries(componentSchemas))
  test(`docs/use/configuration.md has a row for every key of kind ${kind}, below its heading`, () => {
    const heading = `## \`apps.<name>.components.<name>\` of kind \`${kind}\`\n`
    const section = documentation.split(/^(?=## )/m).find((part) => part.startsWith(heading)) ?? ''
    const keys = keysIn(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }))
    assert.deepEqual(withoutRow(keys, section), [])
  })

function withoutRow(keys: readonly string[], text: string): string[] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'))
  return keys.filter((key) => !rows.some((row) => row.includes(`\`${key}\``)))
}

function keysIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const here = 'properties' in schema && schema.properties instanceof Object ? Object.keys(schema.properties) : []
  return [...here, ...Object.values(schema).flatMap(keysIn)]
}

test('the example of docs/use/configuration.md is right', () => {
  const example = /```yaml\n(version: 1\n.*?)```/s.exec(documentation)?.[1] ?? ''
  const options = { path: 'holdfast.yaml', isPrivate: true, environment: { variables: {}, userId: 0 } }
  assert.deepEqual(parseConfig(example, { ...options, componentSchemas }).warnings, [])
})
