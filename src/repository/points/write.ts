import { Failure, describe } from '../../core/failure.ts'
import { isFull } from '../../core/environment-fault.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import { randomHex } from '../../system/random.ts'
import { checkedContent, type ArtifactRequest } from './artifact.ts'
import { createBlob, createCheckedBlob, exists } from './blobs.ts'
import { bytesOf, drain, measured, sha256, type Measure } from '../documents/bytes.ts'
import { newCommit, newManifest } from './compose.ts'
import type { ArtifactRecord, Commit } from '../documents/documents.ts'
import { signDocument } from '../documents/dsse.ts'
import { fromHex } from '../documents/encoding.ts'
import { KIND_NUMBERS, MANIFEST_NUMBER, ZSTD_FRAMES, type KindNumber } from '../envelope/header.ts'
import { seal } from '../envelope/seal.ts'
import { authenticate } from '../envelope/unseal.ts'
import { checkRecipients, recipientCount, wrapDataKey } from '../keys/wrap.ts'
import { artifactName, commitName, keysName } from '../names.ts'
import { pack, type Packed } from './pack.ts'
import { MANIFEST_LIMIT } from '../documents/parse-document.ts'
import type { ArtifactSpec, BeginRequest, PointContent, PointWriter, Repository } from '../repository.ts'
import { rememberPoint } from '../catalog/rollback.ts'
import { signerOf, type RepositoryState } from '../catalog/state.ts'
import type { Signer } from '../keys/signer.ts'

/** A commit must fit, in base64 twice, into the tombstone that will hold it. */
const COMMIT_LIMIT = 512 * 1024
/** Abandoning goes on when the backup was cancelled, but not for ever. */
const ABANDON_LIMIT = 60_000

export async function beginPoint(
  state: RepositoryState,
  repository: Repository,
  request: BeginRequest,
  context: Context,
): Promise<PointWriter> {
  const signer = signerOf(state)
  await checkRecipients(request.recipients)
  if (request.recipients.length === 0)
    throw new Failure('usage', `${repository.location} has no recipient for restore points`)
  return new StoredPointWriter({ state, repository, request, context, signer })
}

interface WriterParts {
  readonly state: RepositoryState
  readonly repository: Repository
  readonly request: BeginRequest
  readonly context: Context
  readonly signer: Signer
}

interface Written {
  readonly record: ArtifactRecord
  readonly component: string
  isReadBack: boolean
}

class StoredPointWriter implements PointWriter {
  readonly repository: Repository
  readonly point: string
  readonly #parts: WriterParts
  readonly #dataKey = fromHex(randomHex(32))
  readonly #written = new Map<number, Written>()
  /** Everything that may be stored on behalf of this writer. */
  readonly #attempted = new Set<string>()
  #artifacts = 0
  /** After `committing` nothing is ever removed: the commit may be there although its put failed. */
  #phase: 'open' | 'committing' | 'closed' = 'open'

  constructor(parts: WriterParts) {
    this.#parts = parts
    this.repository = parts.repository
    this.point = parts.request.point
  }

  async write(spec: ArtifactSpec, packed: Packed): Promise<ArtifactRecord> {
    try {
      this.#assertOpen()
      const number = (this.#artifacts += 1)
      const kind = KIND_NUMBERS[spec.kind]
      const stored = await this.#store(number, kind, packed)
      const record: ArtifactRecord = {
        number,
        role: spec.role,
        kind,
        compression: ZSTD_FRAMES,
        ...packed.totals(),
        ...stored,
      }
      this.#written.set(number, { record, component: spec.component, isReadBack: false })
      return record
    } finally {
      // A storage that fails without reading must not leave the other repositories waiting for this one.
      await packed.drop()
    }
  }

  async readBack(record: ArtifactRecord): Promise<void> {
    const written = this.#written.get(record.number)
    if (written?.record !== record) throw new Failure('bug', `artifact ${record.number} is not of this point`)
    await this.#check(record.number, record.kind, record, authenticate)
    written.isReadBack = true
  }

  async commit(content: PointContent): Promise<{ readonly commit: Commit; readonly commitSha256: string }> {
    this.#assertOpen()
    this.#assertReadBack(content)
    await this.#removeUnnamed(content)
    const manifest = await this.#writeManifest(content)
    const keys = await this.#writeKeys()
    const { state, request, context, signer } = this.#parts
    const composed = await newCommit(state, { request, content, manifest, keys, dataKey: this.#dataKey }, context)
    const bytes = signDocument('commit', composed, signer)
    if (bytes.length > COMMIT_LIMIT)
      throw new Failure(
        'refused',
        `restore point ${this.point} has too many artifacts for one commit: ${composed.artifacts.length}`,
      )
    await this.#putCommit(bytes)
    this.#close()
    const commitSha256 = sha256(bytes)
    await rememberPoint(state, composed, commitSha256, context)
    return { commit: composed, commitSha256 }
  }

  /**
   * Once it was tried it may be there, and its data stays; unless a disk had no room for it and it is seen not to be. Of a
   * bucket's quota that is never certain: an earlier attempt whose answer was lost may be carried out later.
   */
  async #putCommit(bytes: Uint8Array): Promise<void> {
    const { state, context } = this.#parts
    this.#phase = 'committing'
    try {
      await createBlob(state.storage, commitName(this.point), bytes, context.signal)
    } catch (error) {
      // On a full disk, data that stays until a sweep takes the room of the next backup.
      const mayBeThere = exists(state.storage, commitName(this.point), context.signal).catch(() => true)
      if (isFull(error) && !(await mayBeThere)) this.#phase = 'open'
      throw error
    }
  }

  async abandon(): Promise<void> {
    if (this.#phase !== 'open') return
    this.#close()
    const signal = AbortSignal.timeout(ABANDON_LIMIT)
    for (const name of this.#attempted) await this.#removeQuietly(name, signal)
  }

  async #store(number: number, kind: KindNumber, packed: Packed): Promise<Measure> {
    const { state, request, context } = this.#parts
    const name = artifactName(this.point, number)
    const header = { repository: state.id, point: request.point, number, kind, compression: ZSTD_FRAMES } as const
    const sealed = measured(seal(packed.content, { ...header, dataKey: this.#dataKey }))
    this.#attempted.add(name)
    const { size } = await state.storage.put(name, sealed.content, context.signal)
    const totals = sealed.totals()
    if (size === totals.size) return totals
    throw new Failure('corrupt', `${name} has ${size} instead of ${totals.size} bytes in ${state.storage.location}`)
  }

  /**
   * Reads an artifact back and compares what is stored with what was written; `open` fails when it cannot be opened.
   */
  async #check(
    number: number,
    kind: KindNumber,
    expected: Measure,
    open: (sealed: Bytes, request: ArtifactRequest) => Promise<void>,
  ): Promise<void> {
    const { state, context } = this.#parts
    const name = artifactName(this.point, number)
    const stored = measured(await state.storage.get(name, context.signal))
    const place = { repository: state.id, point: this.point, number, kind, compression: ZSTD_FRAMES } as const
    await open(stored.content, { ...place, dataKey: this.#dataKey })
    const found = stored.totals()
    if (found.size === expected.size && found.sha256 === expected.sha256) return
    throw new Failure('corrupt', `${name} is not what was written to ${state.storage.location}`)
  }

  async #writeManifest(content: PointContent): Promise<Measure> {
    const { state, request } = this.#parts
    const bytes = Buffer.from(JSON.stringify(newManifest(state, request, content)))
    if (bytes.length > MANIFEST_LIMIT)
      throw new Failure('refused', `the manifest of restore point ${this.point} is larger than 256 MiB`)
    const packed = pack(bytesOf(bytes))
    const stored = await this.#store(0, MANIFEST_NUMBER, packed)
    const plain = packed.totals()
    await this.#check(0, MANIFEST_NUMBER, stored, (sealed, request) => drain(checkedContent(sealed, request, plain)))
    return stored
  }

  async #writeKeys(): Promise<Measure> {
    const { state, request, context } = this.#parts
    const name = { repository: state.id, point: request.point }
    const file = await wrapDataKey(this.#dataKey, name, request.recipients)
    // The key cannot be unwrapped here, that is the point; but the file must be one, for all recipients.
    const count = await recipientCount(file)
    if (count !== new Set(request.recipients).size) throw new Failure('bug', `the keys are for ${count} recipients`)
    this.#attempted.add(keysName(this.point, 1))
    await createCheckedBlob(state.storage, keysName(this.point, 1), file, context.signal)
    return { size: file.length, sha256: sha256(file) }
  }

  #assertReadBack(content: PointContent): void {
    for (const component of content.components) {
      for (const { number } of component.artifacts) {
        const written = this.#written.get(number)
        if (written?.component !== component.name)
          throw new Failure('bug', `artifact ${number} was not written for ${component.name}`)
        if (!written.isReadBack) throw new Failure('bug', `artifact ${number} of ${component.name} was not read back`)
      }
    }
  }

  /** What a component that failed left behind. Before the commit, so that a crash leaves nothing that looks named. */
  async #removeUnnamed(content: PointContent): Promise<void> {
    const named = new Set(
      content.components.flatMap(({ artifacts }) => artifacts.map(({ number }) => artifactName(this.point, number))),
    )
    for (const name of this.#attempted)
      if (!named.has(name)) await this.#removeQuietly(name, this.#parts.context.signal)
  }

  async #removeQuietly(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.state.storage.remove(name, signal)
    } catch (error) {
      this.#parts.context.progress({
        type: 'warning',
        message: `${name} is left behind for the next sweep: ${describe(error)}`,
      })
    }
  }

  #assertOpen(): void {
    if (this.#phase !== 'open')
      throw new Failure('bug', `restore point ${this.point} was committed or abandoned already`)
  }

  #close(): void {
    this.#phase = 'closed'
    this.#dataKey.fill(0)
  }
}
