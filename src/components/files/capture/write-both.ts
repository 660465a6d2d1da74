import type { ArtifactSink } from '../../transfer.ts'
import { LineChannel } from './line-channel.ts'

/** The roles of the two artifacts. */
export const CONTENT = 'content'
export const ENTRIES = 'entries'

/**
 * Both artifacts are written at once, so that neither the list nor the archive is ever held. When one fails the other is
 * of no use: it fails at once, with the same error.
 */
export async function writeBoth(
  archive: (lines: LineChannel) => AsyncGenerator<Uint8Array>,
  sink: ArtifactSink,
): Promise<void> {
  const lines = new LineChannel()
  const writes = [sink.write(CONTENT, 'tar', archive(lines)), sink.write(ENTRIES, 'json-lines', lines.bytes)]
  for (const write of writes) write.catch((error: unknown) => lines.fail(error))
  const results = await Promise.allSettled(writes)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
