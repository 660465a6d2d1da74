import type { z } from 'zod'
import type { FailureDomain } from '../core/safety/lost-together.ts'
import type { Clock } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { SecretReference } from '../system/secret-reference.ts'
import type { Storage } from './storage.ts'

/** All that Holdfast knows of one kind of storage. Each folder of a kind exports one; `all.ts` lists them. */
export interface StorageKind<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** How its URLs start, with the colon, for example `s3:`. */
  readonly protocol: string
  /** How its URLs look, for messages. */
  readonly example: string
  /** The keys of such a repository in the configuration, beside `url` and `recipients`. A secret is a `secretReference`. */
  readonly settings: Shape
  /** The settings that say, together with the URL, where the blobs are. */
  readonly placedBy: readonly (keyof Shape & string)[]
  /** The settings that name a file which must be there. `init --from` lists those that are missing on a new host. */
  readonly files: readonly (keyof Shape & string)[]
  /** The lines of an example for a repository off this machine. `init` writes them as a comment; absent where none makes sense. */
  readonly offsite?: Readonly<Record<string, string>>
  /** Whether servers of this kind lack features, so that each is tried before Holdfast relies on it. */
  readonly isTried: boolean
  /** Completes `expected …` for a wrong URL; undefined when it is right. It has the protocol, and nothing after the path. */
  expectedUrl(url: URL): string | undefined
  /** What is wrong between settings, each of which may be right alone. `written` was not parsed. */
  mistakes(written: Readonly<Record<string, unknown>>): readonly SettingMistake[]
  /** What the blobs lie on, as far as it can be seen from here. */
  place(settings: KindConfig<Shape>): Promise<FailureDomain>
  /** Fails with `usage` when the URL or a setting is wrong. */
  open(settings: OpenSettings<Shape>, options: OpenOptions): Promise<Storage>
}

export interface SettingMistake {
  readonly setting: string
  readonly message: string
}

export interface OpenOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /**
   * The blob that must be there before any other is put; absent while a repository is made. A kind needs it if its place can
   * be empty without an error, as the folder of a volume that is not mounted.
   */
  readonly sentinel?: string
  /** Told what went wrong beside the result of a call. */
  readonly warn?: (message: string) => void
}

/** A repository's URL and the settings of its kind, as the configuration has them. */
export type KindConfig<Shape extends z.ZodRawShape> = { readonly url: string } & ([keyof Shape] extends [never]
  ? unknown
  : Readonly<z.output<z.ZodObject<Shape>>>)

/** The same with secrets read, and what every kind is opened with. */
export type OpenSettings<Shape extends z.ZodRawShape> = Resolved<KindConfig<Shape>> & {
  /** Whether two writers of one name are kept apart. When absent, a kind that cannot know tries it at opening. */
  readonly createOnly?: boolean
}

/** Settings in which every reference to a secret became the secret. */
export type Resolved<Settings> = {
  [Key in keyof Settings]: Settings[Key] extends SecretReference | undefined
    ? Secret | Exclude<Settings[Key], SecretReference>
    : Settings[Key]
}
