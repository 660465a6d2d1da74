import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { RestoreTarget } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { withoutSwap } from '../../without-swap.ts'
import { applyAll, compareAll } from './apply.ts'
import type { Diverged } from './apply.ts'
import { SECRETS } from '../capture/capture.ts'
import { withClient } from '../client/connect.ts'
import { nameOf } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'
import { withExtras } from '../capture/extras.ts'
import { entriesOf } from '../client/lines.ts'
import { preflight } from './preflight.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { configureMount, emptyMounts, targetMounts } from '../kv/target-mounts.ts'

/** What a load did, for the comparison after it. */
interface Loaded {
  readonly source: ArtifactSource
  readonly diverged: Diverged
}

/** Brings the live secrets to what was captured, and keeps nothing but what the safety point has. */
export function inPlaceTarget(settings: OpenbaoSettings): RestoreTarget<OpenbaoDetails> {
  const description = `secrets of ${settings.address}, in place`
  let loaded: Loaded | undefined
  return {
    ...withoutSwap(description, settings.address),
    state: () => Promise.resolve('untouched'),
    async preflight(details, context) {
      const message = 'an in-place restore writes over what is there and cannot be undone'
      const over: Finding = { level: 'warning', subject: description, message }
      return [over, ...(await preflight(settings, details, context))]
    },
    async load(details, source, context) {
      loaded = await loadOver(settings, details, source, context)
    },
    async compare(details, context) {
      if (loaded === undefined)
        throw new Failure('refused', 'nothing was restored in place', { hint: 'Restore again.' })
      return await compareWith(loaded, settings, details, context)
    },
    discard: () => Promise.resolve(),
  }
}

function loadOver(
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  source: ArtifactSource,
  context: Context,
): Promise<Loaded> {
  return withClient(settings, 'restore', context, async (client) => {
    const mounts = await targetMounts(details, settings, client, context)
    const empty = await emptyMounts(mounts, client)
    const captured = (): AsyncIterable<Entry> => entriesOf(source.read(SECRETS), details)
    const wanted = withExtras(captured, settings, mounts.values(), client)
    const diverged = await applyAll(wanted, { client, context, mounts, empty })
    const made = details.mounts.filter(({ path }) => mounts.get(path)?.config === null)
    if (settings.createMounts) for (const mount of made) await configureMount(mount, client, context)
    return { source, diverged }
  })
}

function compareWith(
  { source, diverged }: Loaded,
  settings: OpenbaoSettings,
  details: OpenbaoDetails,
  context: Context,
): ReturnType<typeof compareAll> {
  const how = (entry: Entry): 'versions' | 'current' => (diverged.has(nameOf(entry)) ? 'current' : 'versions')
  return withClient(settings, 'restore', context, (client) =>
    compareAll(entriesOf(source.read(SECRETS), details), how, client),
  )
}
