import { stringify } from 'yaml'
import type { CarriedFile } from './carried-configuration.ts'

/** The text of a holdfast.yaml that was carried by restore points. `remarks` stand above it, each on a line. */
export function carriedText(file: CarriedFile, remarks: readonly string[]): string {
  const head = [
    ...remarks,
    'Secrets are references: env:NAME or file:/path. docs/use/configuration.md explains every key.',
  ]
  return `${head.map((remark) => `# ${remark}\n`).join('')}${stringify(file, { lineWidth: 0 })}`
}
