import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { schemaPath, schemaText } from '../../scripts/generate-schema.ts'

test('docs/holdfast.schema.json is what the schemas say', async () => {
  assert.equal(await readFile(schemaPath, 'utf8'), schemaText(), 'run scripts/generate-schema.ts')
})
