import type { Context } from '../core/ports.ts'
import { Failure } from '../core/failure.ts'
import type { ArtifactSource, Driver } from '../components/driver.ts'
import type { ManifestComponent } from '../repository/documents.ts'
import type { PointReader } from '../repository/repository.ts'

/** The artifacts of one component of an opened point, as its driver reads them. */
export function sourceOf(reader: PointReader, component: ManifestComponent, context: Context): ArtifactSource {
  return {
    roles: component.artifacts.map(({ role }) => role),
    read(role) {
      const artifact = component.artifacts.find((candidate) => candidate.role === role)
      if (artifact === undefined) throw new Failure('corrupt', `component ${component.name} of restore point ${reader.commit.point} has no ${role}`)
      return counted(reader.read(artifact.number, context), `${component.name} ${role}`, artifact.plainSize, context)
    },
  }
}

async function* counted(content: AsyncIterable<Uint8Array>, subject: string, total: number, context: Context): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of content) {
    done += chunk.length
    context.progress({ type: 'bytes', subject, done, total })
    yield chunk
  }
}

/** The details that a driver wrote into the manifest, through its schema. */
export function detailsOf(driver: Driver, component: ManifestComponent): unknown {
  const parsed = driver.details.safeParse(component.details)
  if (parsed.success) return parsed.data
  throw new Failure('unsupported', `component ${component.name} was written by another version of Holdfast: ${parsed.error.issues[0]?.message ?? 'unknown shape'}`, {
    hint: 'Restore it with the version that made it, or with recover.py from the repository.',
  })
}

/** Reads a stream to its end and forgets it; what is wrong with it throws. */
export async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of content) {
    // Reading is the check: every chunk is authenticated before it is released.
  }
}
