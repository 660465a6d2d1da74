import type { Finding } from '../../core/restore-point.ts'

/** Where `holdfast init --from` takes the configuration from. */
export interface InitFrom {
  readonly url: string
  /** `latest`, the start of an id, or a time. */
  readonly at: string
  readonly endpoint?: string
  readonly region?: string
  readonly ca?: string
}

/** What `holdfast init` was asked for. */
export interface InitRequest {
  readonly configPath?: string
  /** Writes the configuration that restore points carry, in place of a starting one. */
  readonly from?: InitFrom
  /** For a new configuration file. */
  readonly repositoryUrl?: string
  /** For a new configuration file: an app that is known, and where its own settings are. */
  readonly template?: { readonly name: string; readonly environmentFile?: string }
  /** Where to write the private key unlocked, for drills on this host. */
  readonly identityFile?: string
  /** Locks the private key into each repository; undefined to lock none. Asked for only when a key is made. */
  readonly password: (() => Promise<string>) | undefined
  /** Opens a private key that is locked in a repository already; asked for only when one is to be copied. */
  readonly currentPassword: CurrentPassword
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
  readonly findings: readonly Finding[]
}
