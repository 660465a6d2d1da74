import type { Context } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { ArtifactSource } from './transfer.ts'

/** What key fit reads of a component that holds keys. All values are made by `secretOfBytes`, so that they compare equal. */
export interface SecretEvidence<Settings = unknown, Details = unknown> {
  /** The value that the captured artifacts hold under this name. Undefined when they hold none. */
  captured(details: Details, source: ArtifactSource, name: string, context: Context): Promise<Secret | undefined>
  /** The value that the app has under this name now. Undefined when there is none. */
  live(settings: Settings, name: string, context: Context): Promise<Secret | undefined>
  /** What people may see of captured secrets. */
  fingerprints?(details: Details): readonly SecretFingerprint[]
}

export interface SecretFingerprint {
  readonly name: string
  /** Keyed and cut off: it tells equal from other within one restore point, and no value can be guessed with it. */
  readonly fingerprint: string
  readonly trailingNewline: boolean
  readonly source: string
}

/** The values of a row in the text form of the database; a bytea is `\x…`. */
export type EvidenceRow = Readonly<Record<string, string | null>>

/** One reading statement of key fit, and after how many rows to stop. */
export interface EvidenceQuery {
  readonly sql: string
  readonly limit: number
}

/**
 * Takes what key fit needs while a component is captured: rows of the very snapshot that is dumped, and the very secrets
 * that are stored. A driver that cannot give it leaves it.
 */
export interface EvidenceTaker {
  readonly queries: readonly EvidenceQuery[]
  /** The names that are asked for; of others nothing is kept. */
  readonly secrets: readonly string[]
  /** Reads all of `rows`. When they fail, that is noted, and the capture goes on. */
  rows(query: EvidenceQuery, rows: AsyncIterable<EvidenceRow>): Promise<void>
  /** `value` is made by `secretOfBytes`. */
  secret(name: string, value: Secret): void
}
