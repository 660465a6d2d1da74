import type { ArtifactSource } from '../transfer.ts'
import { SECRETS, SNAPSHOT } from './capture/capture.ts'
import { entriesOf } from './client/lines.ts'
import type { OpenbaoDetails } from './schema.ts'
import { SnapshotCheck } from './snapshot/snapshot.ts'

/** Reads every secret, and the snapshot against the sums inside it. */
export async function examineOpenbao(details: OpenbaoDetails, source: ArtifactSource): Promise<void> {
  for await (const _entry of entriesOf(source.read(SECRETS), details)) {
    // Reading is the check.
  }
  if (details.snapshot === null) return
  for await (const _chunk of new SnapshotCheck().through(source.read(SNAPSHOT))) {
    // Reading is the check.
  }
}
