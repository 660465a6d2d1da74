import { isAbsolute } from 'node:path'
import { SecretReference } from '../../system/secret-reference.ts'
import type { Path, Problem } from './problems.ts'

/** What is allowed and yet unwise. `value` is the parsed file; `isPrivate` whether only its owner may read the file. */
export function findWarnings(value: unknown, isPrivate: boolean): Problem[] {
  const secrets = secretsIn(value, [])
  const warnings = secrets.flatMap(([path, secret]) => secretWarnings(path, secret))
  const hasLiteral = secrets.some(([, { scheme }]) => scheme === 'literal')
  if (hasLiteral && !isPrivate)
    warnings.unshift({
      path: [],
      at: 'value',
      message: 'others than the owner can read this file, and it has secrets in it; chmod 600 it',
    })
  return warnings
}

/** Every secret of a parsed configuration, with its place. */
export function secretsIn(value: unknown, path: Path): (readonly [Path, SecretReference])[] {
  if (value instanceof SecretReference) return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) =>
    secretsIn(member, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

function secretWarnings(path: Path, secret: SecretReference): Problem[] {
  if (secret.scheme === 'literal')
    return [{ path, at: 'value', message: 'a secret is written here; write env:NAME or file:/path instead' }]
  const file = secret.toString().replace(/^(?:env)?file:/, '')
  if (['env', 'inside', 'command'].includes(secret.scheme) || isAbsolute(file)) return []
  return [
    {
      path,
      at: 'value',
      message: `${secret.toString()} depends on the folder that Holdfast is started in; write an absolute path`,
    },
  ]
}
