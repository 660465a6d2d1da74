import type { Secret } from '../core/secret.ts'
import type { KeyFitResult } from './verdict.ts'

/** The values of a row in the text form of the database. */
export type Row = Readonly<Record<string, string | null>>

/** What a proof may look at: the restored data and the keys that go with it. */
export interface EvidenceSource {
  /** Made by `secretOfBytes`. Undefined when there is none. */
  secret(component: string, name: string): Promise<Secret | undefined>
  /** What the app has now; undefined when there is none or it cannot be seen from here. */
  liveSecret(component: string, name: string): Promise<Secret | undefined>
  rows(component: string, query: { readonly sql: string; readonly limit: number }): AsyncIterable<Row>
  /**
   * A cookie that the running app gives to who asks for a page. Undefined when it gives none. There while a backup runs
   * only: afterwards what runs may belong to other data.
   */
  cookie?(page: string, name: string): Promise<Secret | undefined>
  /** What the backup found out, for who looks at its data again. Absent while a backup runs. */
  readonly recorded?: (fit: string) => RecordedFit | undefined
  /** Whether a file of the host is in a component of the app. Absent where nobody can say. */
  readonly holdsFile?: (path: string) => Promise<boolean>
  fingerprint(secret: Secret): string
  readonly signal: AbortSignal
}

export type RecordedFit = Pick<KeyFitResult, 'verdict' | 'keys' | 'stable'>
