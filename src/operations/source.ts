import type { Context } from '../core/ports.ts'
import type { PointId } from '../core/restore-point.ts'
import { Failure, toFailure } from '../core/failure.ts'
import type { Driver } from '../components/driver.ts'
import type { ArtifactSource } from '../components/transfer.ts'
import type { ArtifactRecord, ManifestComponent } from '../repository/documents/documents.ts'
import type { Identity, PointReader, Repository } from '../repository/repository.ts'
import type { OperationContext } from './app.ts'

/** The artifacts of one component of an opened point, as its driver reads them. */
export function sourceOf(reader: PointReader, component: ManifestComponent, context: Context): ArtifactSource {
  const find = (role: string): ArtifactRecord => {
    const artifact = component.artifacts.find((candidate) => candidate.role === role)
    if (artifact !== undefined) return artifact
    throw new Failure('corrupt', `component ${component.name} of restore point ${reader.commit.point} has no ${role}`)
  }
  return {
    roles: component.artifacts.map(({ role }) => role),
    sizeOf: (role) => find(role).plainSize,
    read(role) {
      const artifact = find(role)
      const content = readArtifact(reader, artifact.number, context)
      return counted(content, { component: component.name, subject: role }, artifact.plainSize, context)
    },
  }
}

/** The same artifacts, and those of them that were read to an end that was as it should be. */
export function watchReads(source: ArtifactSource): {
  readonly source: ArtifactSource
  readonly finished: ReadonlySet<string>
} {
  const finished = new Set<string>()
  const watched: ArtifactSource = {
    roles: source.roles,
    sizeOf: (role) => source.sizeOf(role),
    async *read(role) {
      yield* source.read(role)
      finished.add(role)
    },
  }
  return { source: watched, finished }
}

/** The plain content of an artifact. A failure names the artifact and its point. */
export async function* readArtifact(
  reader: PointReader,
  number: number,
  context: Context,
  count?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* reader.read(number, context, count)
  } catch (error) {
    throw about(`artifact ${number} of restore point ${reader.commit.point}`, error)
  }
}

/** A restore point for reading. A failure names the point. */
export async function openPoint(
  repository: Repository,
  point: PointId,
  context: OperationContext,
): Promise<PointReader> {
  return openWith(repository, point, await context.identities(), context)
}

export async function openWith(
  repository: Repository,
  point: PointId,
  identities: readonly Identity[],
  context: Context,
): Promise<PointReader> {
  try {
    return await repository.open(point, identities, context)
  } catch (error) {
    throw about(`restore point ${point}`, error)
  }
}

/** The same failure, saying what it is about. */
export function about(what: string, error: unknown): Failure {
  const failure = toFailure(error)
  const { kind, message, facts, hint } = failure
  return kind === 'cancelled'
    ? failure
    : new Failure(kind, `${what}: ${message}`, {
        facts,
        cause: failure.cause ?? failure,
        ...(hint === undefined ? {} : { hint }),
      })
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  what: { readonly component: string; readonly subject: string },
  total: number,
  context: Context,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of content) {
    done += chunk.length
    context.progress({ type: 'bytes', ...what, done, total })
    yield chunk
  }
}

/** The details that a driver wrote into the manifest, through its schema. */
export function detailsOf(driver: Driver, component: ManifestComponent): unknown {
  const parsed = driver.details.safeParse(component.details)
  if (parsed.success) return parsed.data
  throw new Failure(
    'unsupported',
    `component ${component.name} was written by another version of Holdfast: ${parsed.error.issues[0]?.message ?? 'unknown shape'}`,
    {
      hint: 'Restore it with the version that made it, or with recover.py from the repository.',
    },
  )
}

/** Reads a stream to its end and forgets it; what is wrong with it throws. */
export async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of content) {
    // Reading is the check: every chunk is authenticated before it is released.
  }
}
