import { pMapIterable } from 'p-map'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import type { RestoreTarget, TargetRequest } from '../../target.ts'
import type { FoundSwap, ValueStore } from '../../value-swap/value-store.ts'
import { valueSwapTarget } from '../../value-swap/value-swap-target.ts'
import { applyAll, compareAll, readLooked } from './apply.ts'
import type { ApplyTarget } from './apply-entry.ts'
import { SECRETS } from '../capture/capture.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { entryLine, nameOf } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'
import { withExtras } from '../capture/extras.ts'
import { entriesOf } from '../client/lines.ts'
import { findMounts } from '../kv/mounts.ts'
import type { KvMount } from '../kv/mounts.ts'
import { preflight } from './preflight.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { canStage, Stage } from './stage.ts'
import type { Bundle, StageRecord } from './stage.ts'
import { targetMounts } from '../kv/target-mounts.ts'
import { withInfos } from '../kv/with-infos.ts'
import type { Looked } from '../kv/with-infos.ts'

interface Found extends FoundSwap {
  readonly stage: Stage
  readonly record: StageRecord
}

/**
 * Keeps what it needs in a folder of our own on the server. A swap of whole mounts would need the rights of root; this
 * needs no more than to write.
 */
export function swapTarget(settings: OpenbaoSettings, { restoreId }: TargetRequest): RestoreTarget<OpenbaoDetails> {
  return valueSwapTarget({
    description: `secrets of ${settings.address}`,
    confirmation: settings.address,
    whyNotRetained: 'What a restore replaced may have been removed after its time.',
    // Each secret is read by calls of its own.
    notesSaving: true,
    preflight: (details, context) => preflight(settings, details, context),
    connect: (context, act) =>
      withClient(settings, 'restore', context, (client) => act(openbaoStore(settings, restoreId, client, context))),
  })
}

function openbaoStore(
  settings: OpenbaoSettings,
  restoreId: string,
  client: Client,
  context: Context,
): ValueStore<OpenbaoDetails, Found> {
  const stageIn = (mount: KvMount): Stage => new Stage(mount, restoreId, client, context)
  const placeWith = (mounts: ApplyTarget['mounts']): ApplyTarget => ({ client, context, mounts, empty: new Set() })
  return {
    async find() {
      for (const mount of await findMounts(settings, client)) {
        const stage = stageIn(mount)
        const record = await stage.record()
        if (record !== undefined) return { stage, record }
      }
      return undefined
    },
    async load(earlier, details, source) {
      const mounts = await targetMounts(details, settings, client, context)
      const stage = earlier?.stage ?? stageIn(stageMount(details, mounts))
      return {
        found: { stage, record: { format: 1, stage: 'loading', since: context.clock.now().toISOString() } },
        keep: async () => ({ loaded: await stage.keep('loaded', source.read(SECRETS)) }),
      }
    },
    // There is no `compareLive`: that the live secrets became the same is compared by the swap, which reads all of them.
    compareLoaded,
    async forward({ stage, record }, details) {
      const place = placeWith(await targetMounts(details, settings, client, context))
      const loaded = requireBundle(record.loaded)
      const entries = (): AsyncIterable<Entry> => entriesOf(stage.read('loaded', loaded), details)
      const wanted = (): AsyncIterable<Entry> => withExtras(entries, settings, place.mounts.values(), client)
      return {
        retain: async () => ({ previous: await stage.keep('previous', presentLines(wanted(), place)) }),
        apply: () => bring(wanted, place),
      }
    },
    // There is no `takeBack`: who wrote a version cannot be told, so what is live is retained before it goes back.
    async back({ stage, record }) {
      const previous = requireBundle(record.previous)
      const place = placeWith(new Map((await findMounts(settings, client)).map((mount) => [mount.path, mount])))
      const before = (): AsyncIterable<Entry> => entriesOf(stage.read('previous', previous), previous)
      return {
        retain: async () => ({ brought: await stage.keep('brought', presentLines(before(), place)) }),
        async apply() {
          await bring(before, place)
          // Out of the middle of a swap it is still there.
          await stage.removeBundle('loaded')
        },
      }
    },
    removeLoaded: ({ stage }) => stage.removeBundle('loaded'),
  }
}

/** Reads what was loaded again, to its last byte. */
async function compareLoaded({ stage, record }: Found, details: OpenbaoDetails): Promise<readonly Difference[]> {
  const subject = `secrets in ${stage.mount.path}`
  if (record.loaded === undefined) return [{ subject, expected: 'loaded', found: record.stage }]
  for await (const _entry of entriesOf(stage.read('loaded', record.loaded), details)) {
    // Reading is the comparison: it ends with the sum of what was captured.
  }
  return []
}

function requireBundle(bundle: Bundle | undefined): Bundle {
  if (bundle !== undefined) return bundle
  throw new Failure('corrupt', 'openbao: the record of the restore does not say where its values are')
}

function stageMount(details: OpenbaoDetails, mounts: ApplyTarget['mounts']): KvMount {
  const place = details.mounts
    .map(({ path }) => mounts.get(path))
    .find((mount) => mount !== undefined && canStage(mount))
  if (place !== undefined) return place
  throw new Failure(
    'refused',
    'openbao: in every KV mount secrets expire, so there is no place to keep the values from before',
    {
      hint: 'Restore with --target in-place, or add a KV mount without delete_version_after.',
    },
  )
}

/** What is at these paths now, as lines; `absent` where nothing is. */
async function* presentLines(entries: AsyncIterable<Entry>, { client, mounts }: ApplyTarget): Bytes {
  const read = async (looked: Looked): Promise<Entry> => {
    const { mount, path } = looked.entry
    return (await readLooked(looked, client, mounts.get(mount)?.version)) ?? { kv: 'absent', mount, path }
  }
  for await (const entry of pMapIterable(withInfos(entries, client), read, {
    concurrency: client.workers,
    backpressure: client.workers * 2,
  }))
    yield Buffer.from(entryLine(entry))
}

async function bring(wanted: () => AsyncIterable<Entry>, place: ApplyTarget): Promise<void> {
  const diverged = await applyAll(wanted(), place)
  const how = (entry: Entry): 'versions' | 'current' => (diverged.has(nameOf(entry)) ? 'current' : 'versions')
  const differences = await compareAll(wanted(), how, place.client)
  if (differences.length === 0) return
  const named = differences
    .slice(0, 100)
    .map(({ subject, expected, found }) => `${subject}: expected ${expected}, found ${found}`)
  throw new Failure(
    'incomplete',
    `openbao: ${differences.length} secrets are not what they were brought to: ${named.join('; ')}`,
    {
      hint: 'Something else writes to them. Stop the app and restore again.',
      facts: { differences: differences.length },
    },
  )
}
