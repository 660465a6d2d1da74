import type { Config } from '../config/load-config.ts'
import { Failure, isFailure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { parseIdentityFile } from '../repository/keys/identity-file.ts'
import { isWrongPassword } from '../repository/keys/identity.ts'
import { listIdentities, openIdentity } from '../repository/keys/identity-store.ts'
import { parseSigner, type Signer } from '../repository/keys/signer.ts'
import type { Identity } from '../repository/repository.ts'
import type { Storage } from '../storage/storage.ts'

/** What is needed to get at the keys of this host. */
export interface KeySources {
  readonly config: Config
  /** The password of a locked private key: from the environment, or asked for. */
  readonly password: (identity: string) => Promise<string>
  readonly storage: (repository: string) => Promise<Storage>
  readonly context: Context
}

interface Opened {
  readonly identities: readonly Identity[]
  readonly signers: readonly string[]
}

/** The keys of this host, each read when it is first needed and at most once. */
export class KeyRing {
  readonly #sources: KeySources
  #opened: Promise<Opened> | undefined
  #signer: Promise<Signer> | undefined

  constructor(sources: KeySources) {
    this.#sources = sources
  }

  /** The private keys: of the configured file, else the locked one of the first repository that has any which the password opens. */
  async identities(): Promise<readonly Identity[]> {
    return (await this.#open()).identities
  }

  /** The private keys that nobody has to be asked for: of the configured file, where it is on this host, or opened before. */
  async atHand(): Promise<readonly Identity[]> {
    if (this.#opened === undefined && this.#sources.config.identity === undefined) return []
    // Who wants a key that is not here hears of it from `identities`.
    return await this.identities().catch(() => [])
  }

  /**
   * Whose points are trusted. A configuration that names nobody, as on a fresh machine, trusts whom the private key's
   * owner trusted: that list is authenticated by the password or lies beside the key.
   */
  async trustedSigners(): Promise<readonly string[]> {
    const { signers } = this.#sources.config
    return signers.length > 0 ? signers : (await this.#open()).signers
  }

  /** Undefined when none is configured: then nothing can be written. */
  async signer(): Promise<Signer | undefined> {
    const { signingKey } = this.#sources.config
    if (signingKey === undefined) return undefined
    this.#signer ??= signingKey.resolve().then(parseSigner)
    return await this.#signer
  }

  async #open(): Promise<Opened> {
    this.#opened ??= this.#sources.config.identity === undefined ? this.#openLocked() : this.#openFile()
    return await this.#opened
  }

  async #openFile(): Promise<Opened> {
    // The caller saw that it is there.
    const text = await this.#sources.config.identity?.resolve()
    return parseIdentityFile(text ?? new Secret(''))
  }

  async #openLocked(): Promise<Opened> {
    const { config, storage, context } = this.#sources
    let unread: unknown
    for (const repository of Object.keys(config.repositories)) {
      try {
        const opened = await storage(repository)
        const names = (await listIdentities(opened, context)).map(({ name }) => name)
        if (names.length === 0) continue
        const password = new Secret(await this.#sources.password(names.join(' or ')))
        return await openAny(opened, names, password, context)
      } catch (error) {
        // Another repository may have the same keys, whole.
        if (!isFailure(error, 'corrupt') && !isFailure(error, 'unreachable')) throw error
        unread ??= error
      }
    }
    if (unread !== undefined) throw unread
    throw new Failure('usage', 'there is no private key to open restore points with', {
      hint: 'Set identity in the configuration, or lock one into the repository with holdfast key add.',
    })
  }
}

/** Each person's password locks a key of their own; whose it is need not be said. */
async function openAny(
  storage: Storage,
  names: readonly string[],
  password: Secret,
  context: Context,
): Promise<Opened> {
  let denied: unknown
  let unread: unknown
  for (const name of names) {
    try {
      const { key, signers } = await openIdentity(storage, name, password, context)
      return { identities: [{ key }], signers }
    } catch (error) {
      if (isFailure(error, 'cancelled')) throw error
      if (isWrongPassword(error)) denied = error
      else unread ??= error
    }
  }
  // It may be the one that the password is for.
  if (unread !== undefined) throw unread
  if (names.length === 1) throw denied
  throw new Failure(
    'denied',
    `the password opens none of the private keys ${names.join(', ')} of ${storage.location}`,
    {
      cause: denied,
      hint: 'Check the keyboard layout and Caps Lock; passwords are case-sensitive.',
    },
  )
}
