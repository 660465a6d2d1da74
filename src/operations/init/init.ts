import type { Finding } from '../../core/restore-point.ts'

/** What `holdfast init` was asked for. */
export interface InitRequest {
  readonly configPath?: string
  /** For a new configuration file. */
  readonly repositoryUrl?: string
  /** For a new configuration file: an app that is known, and where its own settings are. */
  readonly template?: { readonly name: string; readonly environmentFile?: string }
  /** Where to write the private key unlocked, for drills on this host. */
  readonly identityFile?: string
  /** Locks the private key into each repository; undefined to lock none. Asked for only when a key is made. */
  readonly password: (() => Promise<string>) | undefined
}

export interface InitReport {
  readonly configPath: string
  /** Whether the file was written now; then its app is still to be filled in. */
  readonly configWritten: boolean
  readonly signer: string | null
  readonly recipient: string | null
  readonly identityFile: string | null
  readonly lockedIdentity: string | null
  readonly repositories: readonly {
    readonly name: string
    readonly location: string
    readonly outcome: 'created' | 'exists'
    readonly id: string
  }[]
  readonly findings: readonly Finding[]
}
