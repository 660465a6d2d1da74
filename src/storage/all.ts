import type { z } from 'zod'
import { filesystemKind } from './filesystem/kind.ts'
import type { KindConfig, StorageKind } from './kind.ts'
import { s3Kind } from './s3/kind.ts'

/** Adding a kind of storage is a folder and an entry here; see docs/contribute/adding-a-storage.md. */
const kinds = [filesystemKind, s3Kind] as const
type Kind = (typeof kinds)[number]

/** Where a repository is and how to get there: the settings of one kind. */
export type StorageSettings = Parameters<Kind['open']>[0]

/** The same as the configuration has them, with references to secrets. */
export type StorageConfig = ConfigOf<Kind['settings']>
// One member for each shape: the condition makes the compiler go through the union.
type ConfigOf<Shape extends z.ZodRawShape> = Shape extends unknown ? KindConfig<Shape> : never

/** Every kind of storage. */
export const storageKinds: readonly StorageKind[] = kinds

/** The kind that the URL names. */
export function storageKindOf(url: unknown): StorageKind | undefined {
  return typeof url === 'string' ? storageKinds.find(({ protocol }) => url.startsWith(protocol)) : undefined
}
