import type { DeclaredFitInput } from '../schema.ts'

/** A declaration whose places are filled in by whoever uses it: `$database`, and for each key `$<key>`. */
export interface Recipe {
  readonly name: string
  /** What each key is, in words. */
  readonly keys: Readonly<Record<string, string>>
  /** Keys without which the rest can be proven. */
  readonly optional: readonly string[]
  readonly fit: Pick<DeclaredFitInput, 'keys' | 'proofs'>
}
