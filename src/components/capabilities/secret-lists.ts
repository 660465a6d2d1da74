import type { Secret } from '../../core/secret.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../transfer.ts'

/** Secrets by path in and out, as the lists of other programs have them: newest values only. */
export interface SecretLists<Settings = unknown, Details = unknown> {
  /** Reads the whole list once, and refuses what no server takes, before anything is stored. Changes nothing. */
  take(settings: Settings, list: SecretList): Promise<TakenSecrets<Details>>
  /** `place` as in a list; fails when there is a choice and it is not made. */
  give(details: Details, source: ArtifactSource, place: string | undefined): Promise<GivenSecrets>
}

export interface ListedSecret {
  readonly path: string
  /** The text of a JSON object. */
  readonly json: Secret
}

export interface SecretList {
  /** The file that the list is from. */
  readonly origin: { readonly source: string; readonly sha256: string; readonly bytes: number }
  readonly created: string
  /** Where the paths belong, for example a mount; when absent, where the settings leave no choice. */
  readonly place?: string | undefined
  /** All of it, anew with each call. */
  secrets(): AsyncIterable<ListedSecret>
}

export interface TakenSecrets<Details = unknown> {
  /** Stores the list as the secrets of an app are stored. */
  capture(sink: ArtifactSink): Promise<Captured<Details>>
}

export interface GivenSecrets {
  readonly secrets: AsyncIterable<ListedSecret>
  /** Plain sentences: what such a list does not hold. Known once the secrets were read. */
  leftOut(): readonly string[]
}
