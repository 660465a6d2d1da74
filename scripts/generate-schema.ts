import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { postgresSettings } from '../src/components/postgres/schema.ts'
import { filesSettings } from '../src/components/files/schema.ts'
import { configJsonSchema } from '../src/config/schema.ts'

/** Writes docs/holdfast.schema.json, by which editors complete and check holdfast.yaml. */
export const schemaPath = fileURLToPath(new URL('../docs/holdfast.schema.json', import.meta.url))

export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema({ postgres: postgresSettings, files: filesSettings }), null, 2)}\n`
}

if (import.meta.main) await writeFile(schemaPath, schemaText())
