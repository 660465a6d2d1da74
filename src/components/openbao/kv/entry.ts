import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { anyNames } from '../../any-names.ts'
import { parseJson } from '../client/json.ts'

/** What a secret holds: a JSON object. Numbers that a double would change are kept as their text (see json.ts). */
export type Value = Readonly<Record<string, unknown>>

/** Not z.record, which silently leaves out a member `__proto__`. */
export const secretValue = z.custom<Value>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is no object',
)

/** `live` has contents, even if it expires later. The contents of the other states are not held. */
const versionShape = z.discriminatedUnion('state', [
  z.object({
    version: z.number().int().positive(),
    state: z.literal('live'),
    created: z.string(),
    expires: z.string().optional(),
    data: secretValue,
  }),
  z.object({
    version: z.number().int().positive(),
    state: z.literal('deleted'),
    created: z.string(),
    deleted: z.string(),
  }),
  z.object({ version: z.number().int().positive(), state: z.literal('destroyed'), created: z.string() }),
])
export type Version = z.infer<typeof versionShape>

const secretMetadata = z.object({
  maxVersions: z.number().int().nonnegative(),
  casRequired: z.boolean(),
  deleteVersionAfter: z.string(),
  custom: anyNames(z.string()).nullable(),
  metadataCasRequired: z.literal(true).optional(),
})
export type SecretMetadata = z.infer<typeof secretMetadata>

const entryShape = z.discriminatedUnion('kv', [
  z.object({ kv: z.literal(1), mount: z.string(), path: z.string(), data: secretValue }),
  z.object({
    kv: z.literal(2),
    mount: z.string(),
    path: z.string(),
    metadata: secretMetadata,
    /** Imported: only the newest value is known. Metadata, number and time of the version are made up, and a restore sets none of them. */
    valueOnly: z.literal(true).optional(),
    created: z.string(),
    updated: z.string(),
    /** The counter; 0 when there is metadata only. */
    current: z.number().int().nonnegative(),
    /** Ascending. What is missing from 1 to `current` was pruned. */
    versions: z.array(versionShape),
  }),
  /** Only in what is retained for undo: nothing was at this path. */
  z.object({ kv: z.literal('absent'), mount: z.string(), path: z.string() }),
])

/** One secret: one line of the artifact `secrets`. */
export type Entry = z.infer<typeof entryShape>
export type Entry1 = Extract<Entry, { kv: 1 }>
export type Entry2 = Extract<Entry, { kv: 2 }>

export function entryLine(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`
}

/** The inverse of `entryLine`; anything else is `corrupt`. Never quotes the line, which holds secrets. */
export function parseEntryLine(line: string): Entry {
  const parsed = entryShape.safeParse(jsonOf(line))
  if (parsed.success && isOrdered(parsed.data)) return parsed.data
  const issue = parsed.success ? 'versions out of order' : `${parsed.error.issues[0]?.path.join('.')} is wrong`
  throw new Failure('corrupt', `the list of secrets has a line that no capture writes: ${issue}`)
}

/** The contents of all versions that have any. */
export function valuesOf(entry: Entry): readonly Value[] {
  if (entry.kv === 'absent') return []
  return entry.kv === 1 ? [entry.data] : entry.versions.flatMap((one) => (one.state === 'live' ? [one.data] : []))
}

/** For people. */
export function nameOf({ mount, path }: Pick<Entry, 'mount' | 'path'>): string {
  return `${mount}/${path}`
}

function isOrdered(entry: Entry): boolean {
  if (entry.kv !== 2) return true
  const numbers = entry.versions.map(({ version }) => version)
  return numbers.every((number, index) => number > (numbers[index - 1] ?? 0) && number <= entry.current)
}

function jsonOf(line: string): unknown {
  try {
    return parseJson(line)
  } catch {
    return undefined
  }
}
