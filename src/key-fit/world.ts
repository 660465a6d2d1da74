import type { Secret } from '../core/secret.ts'

/** The values of a row in the text form of the database. */
export type Row = Readonly<Record<string, string | null>>

/** What a proof may look at: the restored data and the keys that go with it. */
export interface EvidenceWorld {
  /** Made by `secretOfBytes`. Undefined when there is none. */
  secret(component: string, name: string): Promise<Secret | undefined>
  /** What the app has now; undefined when there is none or it cannot be seen from here. */
  liveSecret(component: string, name: string): Promise<Secret | undefined>
  rows(component: string, query: { readonly sql: string; readonly limit: number }): AsyncIterable<Row>
  fingerprint(secret: Secret): string
  readonly signal: AbortSignal
}
