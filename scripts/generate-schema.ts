import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { openbaoSettings } from '../src/components/openbao/schema.ts'
import { postgresSettings } from '../src/components/postgres/schema.ts'
import { filesSettings } from '../src/components/files/schema.ts'
import { secretsSettings } from '../src/components/secrets/schema.ts'
import { kubernetesSecretsSettings } from '../src/components/kubernetes-secrets/schema.ts'
import { configJsonSchema } from '../src/config/schema.ts'

/** Every kind of component that can be configured. */
export const componentSchemas = {
  postgres: postgresSettings,
  files: filesSettings,
  secrets: secretsSettings,
  openbao: openbaoSettings,
  'kubernetes-secrets': kubernetesSecretsSettings,
}

/** Writes docs/reference/holdfast.schema.json, by which editors complete and check holdfast.yaml. */
export const schemaPath = fileURLToPath(new URL('../docs/reference/holdfast.schema.json', import.meta.url))

export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(componentSchemas), null, 2)}\n`
}

if (import.meta.main) await writeFile(schemaPath, schemaText())
