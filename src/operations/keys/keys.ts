import { isAbsolute } from 'node:path'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'

const name = z.string().min(1)

/** What a change of keys is to do: all but the passwords, which are given beside it. It can be stored as JSON. */
export const keyChangeOrder = z.discriminatedUnion('act', [
  /**
   * Makes one private key, locks it into every repository, adds its recipient to the configuration, and wraps the data
   * keys of all points for it. Touches no artifact.
   */
  z.object({ act: z.literal('add'), name }),
  /** Takes the recipient out of the configuration and all points, then removes the locked key. Never the last recipient. */
  z.object({ act: z.literal('remove'), name }),
  z.object({ act: z.literal('change-password'), name }),
  /** Writes the private key, unlocked, to a new file with mode 0600. */
  z.object({ act: z.literal('export'), name, file: z.string().refine((path) => isAbsolute(path), 'is not absolute') }),
  /** Wraps the data keys of all points for the recipients of the configuration. */
  z.object({ act: z.literal('rewrap') }),
])
export type KeyChangeOrder = Readonly<z.infer<typeof keyChangeOrder>>

/** Passwords of a change, as its act needs them. */
export interface KeyPasswords {
  /** Opens the key as it is locked now. */
  readonly current?: Secret
  /** Locks it from now on. */
  readonly fresh?: Secret
}

export interface KeyChangePlan {
  readonly order: KeyChangeOrder
  /** The locked keys that it concerns. */
  readonly keys: readonly ListedKey[]
}

/** The private keys locked in the repositories of a configuration, and who can open its points. */
export interface KeyAdministration {
  list(context: Context): Promise<readonly ListedKey[]>
  /** Looks whether it can be done; changes nothing and needs no password. */
  plan(order: KeyChangeOrder, context: Context): Promise<KeyChangePlan>
  run(order: KeyChangeOrder, passwords: KeyPasswords, context: Context): Promise<KeyChange>
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
