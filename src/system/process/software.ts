import { readFileSync } from 'node:fs'
import { Failure } from '../../core/failure.ts'

/** The version of this package. The manifest is three folders up from source and from the compiled file alike. */
export function softwareVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  // Without zod, whose loading takes longer than all else that `--help` needs.
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
  )
    return manifest.version
  throw new Failure('bug', 'the package of Holdfast has no version')
}

/** How this program names itself in what it writes. */
export const software = `holdfast ${softwareVersion()}`
