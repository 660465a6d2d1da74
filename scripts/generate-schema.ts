import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { componentSchemas } from '../src/operations/component-schemas.ts'
import { configJsonSchema } from '../src/config/schema.ts'

/** Writes docs/reference/holdfast.schema.json, by which editors complete and check holdfast.yaml. */
export const schemaPath = fileURLToPath(new URL('../docs/reference/holdfast.schema.json', import.meta.url))

export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(componentSchemas), null, 2)}\n`
}

if (import.meta.main) await writeFile(schemaPath, schemaText())
