import type { z } from 'zod'
import type { Path } from './problems.ts'
import { memberOf } from './value-at.ts'

type JsonSchema = z.core.JSONSchema.JSONSchema

/** The keys that the schema allows in the map at `path` of `value`, in the order of the schema. */
export function allowedKeys(schema: JsonSchema, value: unknown, path: Path): readonly string[] {
  let here: JsonSchema | undefined = variantFor(schema, value)
  let found = value
  for (const key of path) {
    found = memberOf(found, key)
    here = variantFor(schemaOf(here, key), found)
  }
  return Object.keys(here?.properties ?? {})
}

function schemaOf(schema: JsonSchema | undefined, key: PropertyKey): JsonSchema | undefined {
  const { properties, additionalProperties, items } = schema ?? {}
  const next = properties?.[String(key)] ?? additionalProperties ?? (Array.isArray(items) ? items[Number(key)] : items)
  return typeof next === 'object' ? next : undefined
}

/** Of a choice, the one that the value says it is by its kind or its URL; all of them as one where it says none. */
function variantFor(schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  const variants = (schema?.oneOf ?? schema?.anyOf)?.filter((each) => typeof each === 'object')
  if (variants === undefined) return schema
  return (
    variants.find(({ properties }) => isMeant(properties, value)) ?? {
      properties: Object.assign({}, ...variants.map(({ properties }) => properties)),
    }
  )
}

function isMeant(properties: JsonSchema['properties'], value: unknown): boolean {
  const { kind, url } = properties ?? {}
  if (typeof kind === 'object') return kind.const === memberOf(value, 'kind')
  const written = memberOf(value, 'url')
  return typeof url === 'object' && typeof written === 'string' && new RegExp(url.pattern ?? '').test(written)
}
