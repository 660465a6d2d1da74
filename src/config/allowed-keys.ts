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

/** Of a choice between kinds of components, the one that the value says it is. */
function variantFor(schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  const variants = schema?.oneOf ?? schema?.anyOf
  if (variants === undefined) return schema
  const kind = memberOf(value, 'kind')
  return variants
    .filter((each) => typeof each === 'object')
    .find((each) => constantOf(each.properties?.['kind']) === kind)
}

function constantOf(schema: JsonSchema | boolean | undefined): unknown {
  return typeof schema === 'object' ? schema.const : undefined
}
