import type { Context } from '../../core/ports.ts'
import type { ArtifactSource, Driver, Kept, Target, TargetRequest } from '../driver.ts'
import { captureOpenbao, SECRETS, SNAPSHOT } from './capture.ts'
import { checkOpenbao } from './check.ts'
import { withClient } from './connect.ts'
import { InPlaceTarget } from './in-place.ts'
import { entriesOf } from './lines.ts'
import { findMounts } from './mounts.ts'
import type { KvMount } from './mounts.ts'
import { policyFor } from './policies.ts'
import { openbaoDetails, openbaoSettings } from './schema.ts'
import type { OpenbaoDetails, OpenbaoSettings } from './schema.ts'
import { ScratchTarget } from './scratch.ts'
import { SnapshotCheck } from './snapshot.ts'
import { restoresIn, Stage } from './stage.ts'
import { SwapTarget } from './swap-target.ts'
import type { Client } from './client.ts'

const HOUR = 3_600_000

/** The KV mounts of an OpenBao server (or one that speaks the same), with all versions. */
export const openbaoDriver: Driver<OpenbaoSettings, OpenbaoDetails> = {
  kind: 'openbao',
  settings: openbaoSettings,
  details: openbaoDetails,
  check: checkOpenbao,
  capture: captureOpenbao,
  examine,
  kept,
  policy: policyFor,
  open: (settings, request) => Promise.resolve(openTarget(settings, request)),
}

function openTarget(settings: OpenbaoSettings, request: TargetRequest): Target<OpenbaoDetails> {
  switch (request.mode) {
    case 'swap':
      return new SwapTarget(settings, request)
    case 'in-place':
      return new InPlaceTarget(settings)
    case 'scratch':
      return new ScratchTarget(settings, request)
    default:
      return request.mode satisfies never
  }
}

/** Reads every secret, and the snapshot against the sums inside it. */
async function examine(details: OpenbaoDetails, source: ArtifactSource): Promise<void> {
  for await (const _entry of entriesOf(source.read(SECRETS), details)) {
    // Reading is the check.
  }
  if (details.snapshot === null) return
  for await (const _chunk of new SnapshotCheck().through(source.read(SNAPSHOT))) {
    // Reading is the check.
  }
}

async function kept(settings: OpenbaoSettings, context: Context): Promise<readonly Kept[]> {
  return withClient(settings, 'restore', context, async (client) => {
    const found: Kept[] = []
    for (const mount of await findMounts(settings, client))
      found.push(...(await keptIn(mount, settings, client, context)))
    return found.toSorted((a, b) => b.since.getTime() - a.since.getTime())
  })
}

async function keptIn(mount: KvMount, settings: OpenbaoSettings, client: Client, context: Context): Promise<Kept[]> {
  const found: Kept[] = []
  for (const restoreId of await restoresIn(mount, client)) {
    const record = await new Stage(mount, restoreId, client, context).record()
    if (record === undefined || !['swapped', 'undone'].includes(record.stage)) continue
    const since = new Date(record.since)
    const until = new Date(since.getTime() + settings.keepPreviousHours * HOUR)
    const description = `values in ${mount.path} from ${record.stage === 'undone' ? 'before an undo' : 'before the restore'}`
    found.push({ restoreId, description, since, until })
  }
  return found
}
