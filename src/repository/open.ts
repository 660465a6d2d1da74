import { hostname } from 'node:os'
import { Failure, isFailure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import type { Storage } from '../storage/storage.ts'
import { readBlob } from './points/blobs.ts'
import { acknowledge, readCatalog } from './catalog/catalog.ts'
import { repositorySchema, type RepositoryDocument } from './documents/documents.ts'
import { rewrapPoint } from './keys/point-keys.ts'
import { TrustedSigners, type Signer } from './keys/signer.ts'
import { takeLease } from './leases/lease.ts'
import type { RepositoryMemory } from './memory.ts'
import { HOLDFAST } from './names.ts'
import { parseDocument } from './documents/parse-document.ts'
import { prove } from './points/proofs.ts'
import { inspectPoint } from './points/inspect.ts'
import { openPoint } from './points/read.ts'
import { dropDamaged, purgePoint } from './catalog/purge.ts'
import { recordProof, storeKeptProofs } from './points/record-proof.ts'
import { removePoint, undeletePoint } from './catalog/remove.ts'
import type { Repository } from './repository.ts'
import type { LeaseTiming, RepositoryState } from './catalog/state.ts'
import { sweep } from './catalog/sweep.ts'
import { tryLease } from './leases/try-lease.ts'
import { beginPoint } from './points/write.ts'

const HOUR = 60 * 60 * 1000

export interface OpenOptions {
  /** Without it the repository can only be read. Its own signatures are always trusted. */
  readonly signer?: Signer
  /** Whose commits count, as `ed25519:<base64>`. */
  readonly trustedSigners: readonly string[]
  readonly memory: RepositoryMemory
  /** For example `holdfast 0.1.0`. */
  readonly software: string
  /** The machine's name in leases. */
  readonly host?: string
  /** How long a removed point can be undeleted; 72 h. */
  readonly graceMilliseconds?: number
  readonly leaseTiming?: LeaseTiming
}

/**
 * Opens a repository: reads what it is, and nothing else. Fails with `notFound` when the place holds none (a folder
 * without holdfast.json may be a volume that is not mounted) and `unsupported` when a newer format wrote it.
 */
export async function openRepository(storage: Storage, options: OpenOptions, context: Context): Promise<Repository> {
  const document = await readRepositoryDocument(storage, context)
  return repositoryOf(stateOf(storage, document, options))
}

async function readRepositoryDocument(storage: Storage, { signal }: Context): Promise<RepositoryDocument> {
  try {
    return parseDocument(
      await readBlob(storage, HOLDFAST, signal),
      repositorySchema,
      `${HOLDFAST} of ${storage.location}`,
    )
  } catch (error) {
    if (!isFailure(error, 'notFound')) throw error
    throw new Failure('notFound', `there is no repository at ${storage.location}: it has no ${HOLDFAST}`, {
      cause: error,
      hint: 'Check the address and that the volume is mounted. holdfast init makes a new repository.',
    })
  }
}

function stateOf(storage: Storage, { repository }: RepositoryDocument, options: OpenOptions): RepositoryState {
  const { signer, memory, software } = options
  const trusted = new TrustedSigners([...options.trustedSigners, ...(signer === undefined ? [] : [signer.id])])
  return {
    id: repository,
    storage,
    trusted,
    signer,
    memory,
    software,
    host: options.host ?? hostname(),
    graceMilliseconds: options.graceMilliseconds ?? 72 * HOUR,
    leaseTiming: options.leaseTiming ?? { ttlMilliseconds: 90_000, pollMilliseconds: 5_000 },
  }
}

function repositoryOf(state: RepositoryState): Repository {
  const { storage } = state
  const repository: Repository = {
    id: state.id,
    location: storage.location,
    remarks: storage.features.remarks,
    createOnly: storage.features.createOnly,
    catalog: (context) => readCatalog(state, context),
    begin: (request, context) => beginPoint(state, repository, request, context),
    open: (point, identities, context) => openPoint(state, point, identities, context),
    free: async ({ signal }) => await storage.free?.(signal),
    clockSkew: async ({ clock, signal }) => (await storage.now(signal)).getTime() - clock.now().getTime(),
    inspect: (about, identities, context) => inspectPoint(state, about.commit, identities, context),
    record: (about, kind, outcome, context) => recordProof(state, about, kind, outcome, context),
    storeKeptProofs: (context) => storeKeptProofs(state, context),
    prove: (point, kind, outcome, context) => prove(state, point, kind, outcome, context),
    remove: (point, reason, context) => removePoint(state, point, reason, context),
    undelete: (point, context) => undeletePoint(state, point, context),
    purge: (point, reason, context) => purgePoint(state, point, reason, context),
    dropDamaged: (point, context) => dropDamaged(state, point, context),
    acknowledge: (isKnown, context) => acknowledge(state, isKnown, context),
    rewrap: (point, identities, recipients, context) => rewrapPoint(state, point, identities, recipients, context),
    sweep: (context) => sweep(state, context),
    lease: (scope, context, options) => takeLease(state, scope, context, options),
    tryLease: (id, context) => tryLease(state, id, context),
  }
  return repository
}
