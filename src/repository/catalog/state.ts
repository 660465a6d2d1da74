import { Failure } from '../../core/failure.ts'
import type { Storage } from '../../storage/storage.ts'
import type { Signer, TrustedSigners } from '../keys/signer.ts'
import type { RepositoryMemory } from '../memory.ts'

/** What the parts of an opened repository share. */
export interface RepositoryState {
  readonly id: string
  readonly storage: Storage
  readonly trusted: TrustedSigners
  readonly signer: Signer | undefined
  readonly memory: RepositoryMemory
  /** For example `holdfast 0.1.0`. */
  readonly software: string
  /** The machine's name, for who waits for a lease of ours. */
  readonly host: string
  /** How long a removed point can be undeleted. */
  readonly graceMilliseconds: number
  readonly leaseTiming: LeaseTiming
}

export interface LeaseTiming {
  readonly ttlMilliseconds: number
  /** How often a contender looks whether the holder is alive. */
  readonly pollMilliseconds: number
}

/** Fails with `usage` when the repository was opened for reading only. */
export function signerOf(state: RepositoryState): Signer {
  if (state.signer !== undefined) return state.signer
  throw new Failure('usage', `nothing can be written to ${state.storage.location} without a signing key`, {
    hint: 'Name the signing key in the configuration; holdfast init writes one.',
  })
}
