import pMap from 'p-map'
import { Failure, isFailure } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import { checkedContent, plainContent } from './artifact.ts'
import { collect, drain, measured } from '../documents/bytes.ts'
import { manifestSchema, type ArtifactRecord, type Commit, type Manifest } from '../documents/documents.ts'
import { MANIFEST_NUMBER, ZSTD_FRAMES } from '../envelope/header.ts'
import { openDataKey } from '../keys/point-keys.ts'
import { artifactName } from '../names.ts'
import { MANIFEST_LIMIT, parseManifest } from '../documents/parse-document.ts'
import type { Identity, PointReader } from '../repository.ts'
import { readCommit } from '../documents/signed.ts'
import type { RepositoryState } from '../catalog/state.ts'

const STAT_AT_ONCE = 16

/** Opens a point: signature of the commit, data key, then the manifest against the hash that the commit signs. */
export async function openPoint(
  state: RepositoryState,
  point: string,
  identities: readonly Identity[],
  context: Context,
): Promise<PointReader> {
  const { commit, sha256 } = await readCommit(state, point, context.signal)
  const { dataKey, alarms } = await openDataKey(state, commit, identities, context.signal)
  for (const message of alarms) context.progress({ type: 'warning', message })
  const manifest = await readManifest(state, commit, dataKey, context.signal)
  const artifacts = new Map(
    manifest.components.flatMap((component) => component.artifacts).map((record) => [record.number, record]),
  )
  return {
    commit,
    commitSha256: sha256,
    manifest,
    read: (number, context, count) => {
      const place = { commit, record: recordOf(artifacts, number), dataKey }
      return readArtifact(state, place, context, count)
    },
    checkPresence: (context) => checkPresence(state, commit, context),
    checkStored: (number, context) => checkStored(state, commit, number, context),
  }
}

async function readManifest(
  state: RepositoryState,
  commit: Commit,
  dataKey: Buffer,
  signal: AbortSignal,
): Promise<Manifest> {
  const what = `manifest of restore point ${commit.point}`
  const stored = measured(await getStored(state, commit, 0, signal))
  const request = {
    repository: state.id,
    point: commit.point,
    number: 0,
    kind: MANIFEST_NUMBER,
    compression: ZSTD_FRAMES,
    dataKey,
  } as const
  const bytes = await collect(plainContent(stored.content, request), MANIFEST_LIMIT, what).catch(
    async (error: unknown) => {
      await assertAsSigned(state, commit, 0, error, signal)
      throw ofManifest(commit, error)
    },
  )
  // Whoever can open the point could also write a manifest for it; only the signer can name it in the commit.
  const { size, sha256 } = stored.totals()
  if (sha256 !== commit.manifest.sha256 || size !== commit.manifest.size)
    throw new Failure('corrupt', `${what} is not the one that its commit names`)
  const manifest: Manifest = parseManifest(bytes, manifestSchema, what)
  assertMatches(manifest, commit, what)
  return manifest
}

/**
 * Bytes that were changed may look like those of a newer format, or of another key. What they are not is what was signed,
 * which is said first: only of the signed bytes it is true that no key at hand opens them.
 */
async function assertAsSigned(
  state: RepositoryState,
  commit: Commit,
  number: number,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  if (isFailure(error, 'denied') || isFailure(error, 'unsupported'))
    await checkStored(state, commit, number, { signal })
}

/** A damaged chunk names neither its artifact nor its file. */
function ofManifest(commit: Commit, error: unknown): unknown {
  if (!isFailure(error, 'corrupt')) return error
  const { message, facts, hint } = error
  return new Failure('corrupt', `the manifest (${artifactName(commit.point, 0)}): ${message}`, {
    facts,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

function assertMatches(manifest: Manifest, commit: Commit, what: string): void {
  const records = manifest.components.flatMap(({ artifacts }) => artifacts)
  const listed = new Map(records.map((record) => [record.number, record]))
  const isSame = commit.artifacts.every(
    ({ number, size, sha256 }) => listed.get(number)?.size === size && listed.get(number)?.sha256 === sha256,
  )
  const isHere =
    manifest.repository === commit.repository && manifest.point === commit.point && manifest.app === commit.app
  if (isSame && isHere && records.length === commit.artifacts.length && listed.size === records.length) return
  throw new Failure('corrupt', `${what} does not match its commit`)
}

function recordOf(artifacts: ReadonlyMap<number, ArtifactRecord>, number: number): ArtifactRecord {
  const record = artifacts.get(number)
  if (record === undefined) throw new Failure('bug', `the restore point has no artifact ${number}`)
  return record
}

interface ArtifactPlace {
  readonly commit: Commit
  readonly record: ArtifactRecord
  readonly dataKey: Buffer
}

async function* readArtifact(
  state: RepositoryState,
  { commit, record, dataKey }: ArtifactPlace,
  context: Context,
  count: (bytes: number) => void = () => undefined,
): Bytes {
  const { number, kind, compression } = record
  const sealed = counted(await getStored(state, commit, number, context.signal), count)
  const request = { repository: state.id, point: commit.point, number, kind, compression, dataKey }
  try {
    yield* checkedContent(sealed, request, record)
  } catch (error) {
    await assertAsSigned(state, commit, number, error, context.signal)
    throw error
  }
}

async function* counted(content: Bytes, count: (bytes: number) => void): Bytes {
  for await (const chunk of content) {
    count(chunk.length)
    yield chunk
  }
}

async function checkPresence(state: RepositoryState, commit: Commit, { signal }: Context): Promise<void> {
  const expected = [{ number: 0, ...commit.manifest }, ...commit.artifacts]
  await pMap(
    expected,
    async ({ number, size }) => {
      const name = artifactName(commit.point, number)
      const found = await orLost(commit, name, state.storage.stat(name, signal))
      if (found.size !== size) throw new Failure('corrupt', `${name} has ${found.size} instead of ${size} bytes`)
    },
    { concurrency: STAT_AT_ONCE },
  )
}

export async function checkStored(
  state: RepositoryState,
  commit: Commit,
  number: number,
  { signal }: Pick<Context, 'signal'>,
): Promise<void> {
  const expected = number === 0 ? commit.manifest : commit.artifacts.find((artifact) => artifact.number === number)
  if (expected === undefined) throw new Failure('bug', `the restore point has no artifact ${number}`)
  const stored = measured(await getStored(state, commit, number, signal))
  await drain(stored.content)
  const found = stored.totals()
  if (found.size === expected.size && found.sha256 === expected.sha256) return
  throw new Failure('corrupt', `${artifactName(commit.point, number)} is not what was stored: its SHA-256 differs`)
}

function getStored(state: RepositoryState, commit: Commit, number: number, signal: AbortSignal): Promise<Bytes> {
  const name = artifactName(commit.point, number)
  return orLost(commit, name, state.storage.get(name, signal))
}

/** A blob that a commit names and that is not there is lost data, not a wrong question. */
async function orLost<Result>(commit: Commit, name: string, reading: Promise<Result>): Promise<Result> {
  try {
    return await reading
  } catch (cause) {
    if (!isFailure(cause, 'notFound')) throw cause
    throw new Failure('corrupt', `restore point ${commit.point} lacks ${name}`, { cause })
  }
}
