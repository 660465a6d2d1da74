import { spellFound } from './found.ts'
import { suggest } from './issue-problems.ts'
import type { Path, Problem } from './problems.ts'
import { memberOf } from './value-at.ts'

/** Components and keys that key fit names and that the app does not have. */
export function keyFitMistakes(keyFit: unknown, path: Path, components: readonly string[]): Problem[] {
  if (!Array.isArray(keyFit)) return []
  return keyFit.flatMap((fit: unknown, index) => {
    const here = [...path, index]
    return [
      ...named(fit, here, 'component').flatMap((one) => unknown(one, 'component', components)),
      ...databaseMistakes(fit, here, components),
      ...keyMistakes(fit, here),
    ]
  })
}

interface Named {
  readonly path: Path
  readonly value: string
}

/** Every text under this key, however deep: what is wrong with the rest, the schema says. */
function named(value: unknown, path: Path, wanted: string): readonly Named[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): readonly Named[] => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return key === wanted && typeof inner === 'string' ? [{ path: here, value: inner }] : named(inner, here, wanted)
  })
}

/** A recipe that does not say where the data is takes the component `database`. */
function databaseMistakes(fit: unknown, path: Path, components: readonly string[]): Problem[] {
  if (memberOf(fit, 'kind') !== 'recipe') return []
  const database = memberOf(fit, 'database')
  if (typeof database === 'string')
    return unknown({ path: [...path, 'database'], value: database }, 'component', components)
  if (database !== undefined || components.includes('database')) return []
  const message = `takes its data from component "database", which the app does not have; set database; ${suggest('database', components)}`
  return [{ path, at: 'value', message }]
}

/** A declaration's proofs, and keys that are made of others, name keys of the declaration. */
function keyMistakes(fit: unknown, path: Path): Problem[] {
  const keys = memberOf(fit, 'keys')
  if (memberOf(fit, 'kind') !== 'declared' || typeof keys !== 'object' || keys === null) return []
  const places = ['keys', 'proofs'].flatMap((part) => named(memberOf(fit, part), [...path, part], 'key'))
  return places.flatMap((one) => unknown(one, 'key', Object.keys(keys)))
}

function unknown({ path, value }: Named, what: string, allowed: readonly string[]): Problem[] {
  if (allowed.includes(value)) return []
  return [{ path, at: 'value', message: `found ${spellFound(value)}; no such ${what}; ${suggest(value, allowed)}` }]
}
