import { z } from 'zod'
import type { Finding } from '../../core/restore-point.ts'
import { draftSchema, type Draft } from './found/draft.ts'

/** Where `holdfast init --from` takes the configuration from. */
const initFrom = z
  .object({
    url: z.string(),
    /** `latest`, the start of an id, or a time. */
    at: z.string(),
  })
  // Settings of the kind of storage, as the configuration would have them.
  .catchall(z.string())
export type InitFrom = Readonly<z.infer<typeof initFrom>>

/** What an init is to do: all but the passwords, which are given beside it. It can be stored as JSON. */
export const initOrder = z.object({
  /** Absolute. */
  configPath: z.string(),
  /** Writes the configuration that restore points carry, in place of a starting one. */
  from: initFrom.exactOptional(),
  /** For a new configuration file. */
  repositoryUrl: z.string().exactOptional(),
  /** For a new configuration file: an app that is known, and where its own settings are. */
  template: z.object({ name: z.string(), environmentFile: z.string().exactOptional() }).exactOptional(),
  /** The profile that was asked for. */
  profile: z.string().exactOptional(),
  /** For a new configuration file: an app as it was found where it runs. */
  found: draftSchema.exactOptional(),
  /** Where to write the private key unlocked, for drills on this host. */
  identityFile: z.string().exactOptional(),
})
export type InitOrder = Readonly<z.infer<typeof initOrder>>

export interface InitPasswords {
  /** Locks the private key into each repository; undefined to lock none. Asked for only when a key is made. */
  readonly password: (() => Promise<string>) | undefined
  /** Opens a private key that is locked in a repository already; asked for only when one is to be copied. */
  readonly currentPassword: CurrentPassword
}

export interface InitRequest extends InitOrder, InitPasswords {}

/** An order, and what people should know before it runs. */
export interface InitPlan {
  readonly order: InitOrder
  /** The configuration file is there already and is used as it is. */
  readonly configExists: boolean
}

/** The password of private keys that are locked already. */
export interface CurrentPassword {
  /** Gives it; `about` names the keys and ends the question. */
  readonly ask: (about: string) => Promise<string>
  /** How often it is asked for before a wrong one is final. */
  readonly tries: number
}

/** A private key that was locked into a repository which lacked it. */
export interface CopiedIdentity {
  readonly repository: string
  readonly name: string
  readonly recipient: string
}

export interface InitReport {
  readonly configPath: string
  /** Whether the file was written now; then its app is still to be filled in. */
  readonly configWritten: boolean
  readonly signer: string | null
  readonly recipient: string | null
  readonly identityFile: string | null
  readonly lockedIdentity: string | null
  readonly copiedIdentities: readonly CopiedIdentity[]
  /** The restore points whose configuration was written. */
  readonly from?: readonly { readonly app: string; readonly point: string; readonly created: string }[]
  readonly repositories: readonly {
    readonly name: string
    readonly location: string
    readonly outcome: 'created' | 'exists'
    readonly id: string
  }[]
  /** The app that was found, where the file was written now. */
  readonly found?: Omit<Draft, 'text'>
  readonly findings: readonly Finding[]
}
