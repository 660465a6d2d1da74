import { z } from 'zod'
import { storageKindOf, storageKinds, type StorageConfig } from '../storage/all.ts'
import type { StorageKind } from '../storage/kind.ts'
import { memberOf } from './mistakes/value-at.ts'

export const recipient = z.string().regex(/^age1[a-z0-9]{58,4000}$/, 'expected an age recipient, age1…')

/** How URLs look, for messages and help. */
export const urlExamples = storageKinds.map(({ example }) => example).join(' or ')

const url = z.string().min(1)
const common = {
  url,
  recipients: z.array(recipient).default([]).meta({ description: 'Public keys that can open new restore points.' }),
}

/** A repository: what all have, and the settings of its kind of storage. */
export type RepositoryConfig = Readonly<z.output<z.ZodObject<typeof common>>> & StorageConfig

/** One schema for each kind of storage; its URLs start with the protocol. */
export const repositoryVariants = storageKinds.map((kind) =>
  z.strictObject({
    ...common,
    url: url.meta({ pattern: `^${kind.protocol}`, description: `${kind.example}. Never contains credentials.` }),
    ...kind.settings,
  }),
)

/** For a URL of no known kind: whatever the key means, its value is checked as far as any kind knows it. */
const undecided = z.strictObject({
  ...common,
  ...z.object(Object.assign({}, ...storageKinds.map(({ settings }) => settings))).partial().shape,
})

/** Parses by the schema of the kind that the URL names. `repositoryMistakes` tells of wrong URLs and keys of other kinds. */
export const repository = z.unknown().transform((value, context): RepositoryConfig => {
  const kind = storageKindOf(memberOf(value, 'url'))
  const parsed = schemaOf(kind).safeParse(withoutKeysOfOthers(value, kind))
  // A parsed value has the keys of its kind, or else a wrong URL stops the whole configuration.
  if (parsed.success) return parsed.data as RepositoryConfig
  // zod adds to an issue what it lacks, and these lack nothing.
  context.issues.push(...(parsed.error.issues as z.core.$ZodRawIssue[]))
  return z.NEVER
})

function schemaOf(kind: StorageKind | undefined): z.ZodType {
  return repositoryVariants[storageKinds.findIndex((each) => each === kind)] ?? undecided
}

/** Whether a key belongs to other kinds of storage than this one. */
export function isOfOthers(key: string, kind: StorageKind | undefined): boolean {
  return kind !== undefined && !(key in kind.settings) && storageKinds.some(({ settings }) => key in settings)
}

function withoutKeysOfOthers(value: unknown, kind: StorageKind | undefined): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !isOfOthers(key, kind)))
}
