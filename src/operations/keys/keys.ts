import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'

/** The private keys locked in the repositories of a configuration, and who can open its points. */
export interface KeyChain {
  list(context: Context): Promise<readonly ListedKey[]>
  /**
   * Makes one private key, locks it into every repository, adds its recipient to the configuration, and wraps the data
   * keys of all points for it. Touches no artifact.
   */
  add(name: string, password: Secret, context: Context): Promise<KeyChange>
  /** Takes the recipient out of the configuration and all points, then removes the locked key. Refuses to remove the last recipient. */
  remove(name: string, context: Context): Promise<KeyChange>
  changePassword(
    name: string,
    passwords: { readonly old: Secret; readonly new: Secret },
    context: Context,
  ): Promise<KeyChange>
  /** Writes the private key, unlocked, to a new file with mode 0600. */
  exportTo(name: string, password: Secret, file: string, context: Context): Promise<KeyChange>
  /** Wraps the data keys of all points for the recipients of the configuration. */
  rewrap(context: Context): Promise<KeyChange>
}

export interface ListedKey {
  readonly repository: string
  readonly name: string
  readonly recipient: string
  readonly created: string
  /** Whether the configuration encrypts new points for it. */
  readonly inUse: boolean
}

export interface KeyChange {
  readonly repositories: readonly string[]
  readonly recipient?: string
  /** How many points have new key files. */
  readonly rewrapped: number
}
