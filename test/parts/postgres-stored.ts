import type { ArtifactSink, ArtifactSource } from '../../src/components/transfer.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import { Failure } from '../../src/core/failure.ts'
import type { Bytes, Context } from '../../src/core/ports.ts'

/** What a capture of a database gave, rows in lanes too, held in memory. */
export interface Stored {
  readonly details: PostgresDetails
  readonly source: ArtifactSource
  readonly notCaptured: readonly string[]
}

const CHUNK = 65_536

/** Captures a database into memory. Details are as they come back from a manifest. */
export async function captureStored(settings: PostgresSettings, context: Context): Promise<Stored> {
  const contents = new Map<string, Buffer>()
  const { details, notCaptured } = await postgresDriver.capture(settings, sinkInto(contents), context)
  const written: unknown = JSON.parse(JSON.stringify(details))
  return { details: postgresDriver.details.parse(written), notCaptured, source: sourceFrom(contents) }
}

export function sinkInto(contents: Map<string, Buffer>): ArtifactSink {
  return {
    async write(role, _kind, content) {
      const chunks: Uint8Array[] = []
      for await (const chunk of content) chunks.push(Buffer.from(chunk))
      contents.set(role, Buffer.concat(chunks))
    },
  }
}

export function sourceFrom(contents: ReadonlyMap<string, Buffer>): ArtifactSource {
  return {
    roles: [...contents.keys()],
    sizeOf: (role) => contents.get(role)?.length ?? 0,
    async *read(role): Bytes {
      const content = contents.get(role)
      if (content === undefined) throw new Failure('corrupt', `no ${role}`)
      for (let at = 0; at < content.length; at += CHUNK) yield content.subarray(at, at + CHUNK)
    },
  }
}
