import { Failure } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import type { Driver } from '../driver.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../transfer.ts'

/** A capture that is kept in memory, as a restore point would give it back. */
export interface CapturedInMemory<Details> extends Captured<Details> {
  readonly artifacts: ReadonlyMap<string, Buffer>
  readonly source: ArtifactSource
}

/** No reader may rely on where chunks end. */
const PIECE = 1009

/** The details are as they come back from a manifest. */
export async function captureInMemory<Settings, Details>(
  driver: Driver<Settings, Details>,
  settings: Settings,
  context: Context,
): Promise<CapturedInMemory<Details>> {
  const artifacts = new Map<string, Buffer>()
  const captured = await driver.capture(settings, sinkInto(artifacts), context)
  const details = driver.details.parse(JSON.parse(JSON.stringify(captured.details)))
  return { ...captured, details, artifacts, source: sourceFrom(artifacts) }
}

function sinkInto(artifacts: Map<string, Buffer>): ArtifactSink {
  return {
    async write(role, _kind, content) {
      const chunks: Uint8Array[] = []
      for await (const chunk of content) chunks.push(Buffer.from(chunk))
      artifacts.set(role, Buffer.concat(chunks))
    },
  }
}

export function sourceFrom(artifacts: ReadonlyMap<string, Buffer>): ArtifactSource {
  return {
    roles: [...artifacts.keys()],
    sizeOf: (role) => artifacts.get(role)?.length ?? 0,
    async *read(role): Bytes {
      const content = artifacts.get(role)
      if (content === undefined) throw new Failure('corrupt', `no artifact ${role}`)
      for (let at = 0; at < content.length; at += PIECE)
        yield await Promise.resolve(Buffer.from(content.subarray(at, at + PIECE)))
    },
  }
}

/** For each role that a restore reads: all artifacts, with only the first half of that one. */
export function cutsOf(
  { artifacts }: Pick<CapturedInMemory<unknown>, 'artifacts'>,
  unread: readonly string[] = [],
): readonly (readonly [role: string, artifacts: ReadonlyMap<string, Buffer>])[] {
  const read = [...artifacts].filter(([role]) => !unread.includes(role))
  return read.map(([role, content]) => [role, new Map(artifacts).set(role, content.subarray(0, content.length >> 1))])
}
