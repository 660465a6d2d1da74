import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import { secretText } from '../../system/secret-reference.ts'

/**
 * How two places lie to each other. `same`: their settings name them alike. `overlapping`: named otherwise they are the same,
 * or one is in the other.
 */
export type PlaceRelation = 'same' | 'overlapping' | 'apart'

/** For kinds that can be restored into another place than that of the configuration. */
export interface RestoreDestination<Settings = unknown> {
  /** The settings that may name another place, each read from its text. No other setting is changed. */
  readonly settings: z.ZodObject
  /** Settings that are only true of the configured place, and are not used for one that these settings name. */
  without?(given: readonly string[]): readonly string[]
  /** Files and folders of this host that are among its place. */
  paths?(settings: Settings): readonly string[]
  /** Compares what places really are. Fails with `refused` where nobody can tell. Changes nothing. */
  relation(one: Settings, other: Settings, context: Context): Promise<PlaceRelation>
}

/** A number that is written as text. */
export function numberText(schema: z.ZodType<number>): z.ZodType<number> {
  return z
    .string()
    .regex(/^\d+$/, 'expected a number')
    .transform(Number)
    .pipe(schema as z.ZodType<number, number>) // A schema of a number takes a number.
}

/** Orders and journals are no place for a secret: only where it is may be said. */
export const referenceText = z
  .string()
  .regex(/^(env|file):.+$|^envfile:.+#.+$/s, 'expected env:NAME, file:/path or envfile:/path#NAME')
  .pipe(secretText)
