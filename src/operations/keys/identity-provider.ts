import type { Config } from '../../config/load-config.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import type { CurrentPassword } from '../init/init.ts'
import { parseIdentityFile } from '../../repository/keys/identity-file.ts'
import { parseSigner, type Signer } from '../../repository/keys/signer.ts'
import type { Identity } from '../../repository/repository.ts'
import type { Storage } from '../../storage/storage.ts'
import { openLockedKeys, readLockedKeys } from './locked-keys.ts'

/** What is needed to get at the keys of this host. */
export interface KeySources {
  readonly config: Config
  /** The password of a locked private key: from the environment, or asked for. */
  readonly password: CurrentPassword
  /** A person has to be there to give it. */
  readonly isAsked: boolean
  readonly storage: (repository: string) => Promise<Storage>
  readonly context: Context
}

interface Opened {
  readonly identities: readonly Identity[]
  readonly signers: readonly string[]
}

/** The keys of this host, each read when it is first needed and at most once. */
export class IdentityProvider {
  readonly #sources: KeySources
  #opened: Promise<Opened> | undefined
  #signer: Promise<Signer> | undefined

  constructor(sources: KeySources) {
    this.#sources = sources
  }

  /** The private keys: of the configured file, else a locked one of each repository that the password opens. */
  async identities(): Promise<readonly Identity[]> {
    return (await this.#open()).identities
  }

  /** The same without asking anybody: undefined where a password would have to be asked for. */
  async identitiesAtHand(): Promise<readonly Identity[] | undefined> {
    const { config, isAsked } = this.#sources
    if (config.identity === undefined && isAsked && this.#opened === undefined) return undefined
    return await this.identities()
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
    const { config, storage, password, context } = this.#sources
    const places = await readLockedKeys(Object.keys(config.repositories), storage, context)
    if (places.length === 0) {
      throw new Failure('usage', 'there is no private key to open restore points with', {
        hint: 'Set identity in the configuration, or lock one into the repository with holdfast key add.',
      })
    }
    const { identities } = await openLockedKeys(places, password, context)
    return {
      identities: identities.map(({ key }) => ({ key })),
      signers: [...new Set(identities.flatMap(({ signers }) => signers))],
    }
  }
}
