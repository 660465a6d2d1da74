import type { Context } from '../../core/ports.ts'
import { readKnownChain } from '../catalog/catalog.ts'
import type { Measure } from '../documents/bytes.ts'
import type { Commit, Manifest, ManifestKeyFit } from '../documents/documents.ts'
import { keyCommitment } from '../envelope/key-schedule.ts'
import type { BeginRequest, PointContent } from '../repository.ts'
import type { RepositoryState } from '../catalog/state.ts'

/** The documents of a new restore point. */

export function newManifest(
  state: Pick<RepositoryState, 'id' | 'software'>,
  request: BeginRequest,
  content: PointContent,
): Manifest {
  const { components, missing, keyFit, configuration } = content
  const created = content.created.toISOString()
  return {
    format: 1,
    repository: state.id,
    point: request.point,
    app: request.app,
    created,
    software: state.software,
    components,
    missing,
    ...(keyFit === undefined ? {} : { keyFit: writtenFit(keyFit) }),
    ...(configuration === undefined ? {} : { configuration }),
  }
}

/** Readers from before `absent` was a verdict know five of them. That a key is null says the rest. */
function writtenFit({ fingerprintKey, results }: ManifestKeyFit): ManifestKeyFit {
  const written = results.map((result) =>
    result.verdict === 'absent' ? { ...result, verdict: 'not-provable' as const } : result,
  )
  return { fingerprintKey, results: written }
}

export interface CommitParts {
  readonly request: BeginRequest
  readonly content: PointContent
  readonly manifest: Measure
  readonly keys: Measure
  readonly dataKey: Uint8Array
}

/** Reads the chain to find its place in it, as late as possible. */
export async function newCommit(state: RepositoryState, parts: CommitParts, context: Context): Promise<Commit> {
  const { request, content, manifest, keys, dataKey } = parts
  const { chain, highestSequence } = await readKnownChain(state, context, request.known)
  return {
    format: 1,
    repository: state.id,
    point: request.point,
    app: request.app,
    sequence: highestSequence + 1,
    previous: chain.commits.at(-1)?.sha256 ?? null,
    created: content.created.toISOString(),
    software: state.software,
    complete: content.missing.length === 0,
    components: componentsOf(content),
    artifacts: storedArtifacts(content),
    manifest: { size: manifest.size, sha256: manifest.sha256 },
    keyCommitment: keyCommitment(dataKey, state.id, request.point),
    keys: { size: keys.size, sha256: keys.sha256 },
    remarks: [
      ...state.storage.features.remarks,
      ...(request.remarks ?? []),
      ...(content.remarksBeside?.(chain.commits.map(({ commit }) => commit)) ?? []),
    ],
    ...(content.servers === undefined || content.servers.length === 0 ? {} : { servers: content.servers }),
    ...(request.note === undefined ? {} : { note: request.note }),
    ...(request.held === true ? { held: true } : {}),
  }
}

/** Public: names and stored sizes, nothing else about the content. */
function componentsOf({ components, missing }: PointContent): Commit['components'] {
  // A component may be there and still lack something that the app demands of it.
  const lacking = new Set(missing.map(({ name }) => name))
  const captured = components.map(({ name, kind, artifacts }) => ({
    name,
    kind,
    complete: !lacking.has(name),
    bytes: artifacts.reduce((sum, { size }) => sum + size, 0),
  }))
  const there = new Set(components.map(({ name }) => name))
  const absent = new Map(missing.filter(({ name }) => !there.has(name)).map(({ name, kind }) => [name, kind]))
  return [...captured, ...[...absent].map(([name, kind]) => ({ name, kind, complete: false, bytes: 0 }))]
}

function storedArtifacts({ components }: PointContent): Commit['artifacts'] {
  const all = components.flatMap(({ artifacts }) => artifacts)
  return all.map(({ number, size, sha256 }) => ({ number, size, sha256 })).sort((a, b) => a.number - b.number)
}
