import { pMapIterable } from 'p-map'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Difference, Finding } from '../../../core/restore-point.ts'
import type { Target, TargetRequest, TargetState } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import {
  discardLoaded,
  forgetRetained,
  refusedAt,
  requireFound,
  requireKept,
  requireLoadable,
  requireStage,
  stateOf,
} from '../../value-swap.ts'
import { applyAll, compareAll, readLooked } from './apply.ts'
import type { Diverged } from './apply.ts'
import type { ApplyPlace } from './apply-entry.ts'
import { SECRETS } from '../capture/capture.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { entryLine, nameOf } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'
import { withExtras } from '../capture/extras.ts'
import { entriesOf } from '../client/lines.ts'
import { findMounts } from '../kv/mounts.ts'
import { preflight } from './preflight.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { canStage, Stage } from './stage.ts'
import type { StageRecord } from './stage.ts'
import { targetMounts } from '../kv/target-mounts.ts'
import { withInfos } from '../kv/with-infos.ts'
import type { Looked } from '../kv/with-infos.ts'

/**
 * Loads the restore point into a folder of our own on the server, and then brings every secret to what was captured,
 * after all values that will change were kept beside it. A swap of whole mounts would need the rights of root; this needs
 * no more than to write. It is not one moment: a process that dies in the middle leaves some secrets old and some
 * restored, and `swap` goes forward or `reopen` goes back from there, by what is kept on the server.
 */
export class SwapTarget implements Target<OpenbaoDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #settings: OpenbaoSettings
  readonly #restoreId: string

  constructor(settings: OpenbaoSettings, { restoreId }: TargetRequest) {
    this.#settings = settings
    this.#restoreId = restoreId
    this.description = `secrets of ${settings.address}`
    this.confirmation = settings.address
  }

  state(context: Context): Promise<TargetState> {
    return this.#withFound(context, async (found) => stateOf(found))
  }

  preflight(details: OpenbaoDetails, context: Context): Promise<readonly Finding[]> {
    return preflight(this.#settings, details, context)
  }

  async load(details: OpenbaoDetails, source: ArtifactSource, context: Context): Promise<void> {
    await this.#withFound(context, async (found, client) => {
      requireLoadable(found, this.description)
      const mounts = await targetMounts(details, this.#settings, client, context)
      const stage = found?.stage ?? new Stage(placeFor(details, mounts), this.#restoreId, client, context)
      const since = context.clock.now().toISOString()
      await stage.save({ format: 1, stage: 'loading', since })
      const loaded = await stage.keep('loaded', source.read(SECRETS))
      await stage.save({ format: 1, stage: 'loaded', since, loaded })
    })
  }

  /** Reads what was loaded again, to its last byte. That the live secrets became the same is compared by `swap`. */
  async compare(details: OpenbaoDetails, context: Context): Promise<readonly Difference[]> {
    return this.#withFound(context, async (found) => {
      const { stage, record } = requireFound(found, this.description)
      const subject = `secrets in ${stage.mount.path}`
      if (record.loaded === undefined) return [{ subject, expected: 'loaded', found: record.stage }]
      for await (const _entry of entriesOf(stage.read('loaded', record.loaded), details)) {
        // Reading is the comparison: it ends with the sum of what was captured.
      }
      return []
    })
  }

  runChecks(): Promise<readonly Difference[]> {
    return Promise.resolve([])
  }

  /** KV has no lock that writers respect: check-and-set keeps what they write meanwhile from being overwritten unseen. */
  fence(): Promise<void> {
    return Promise.resolve()
  }

  async swap(details: OpenbaoDetails, context: Context): Promise<void> {
    await this.#withFound(context, async (one, client) => {
      const found = requireFound(one, this.description)
      const { stage, record } = found
      // A swap that died behind its last record has left what it brought.
      if (record.stage === 'swapped') return await stage.removeBundle('loaded')
      requireStage(found, ['loaded', 'saving', 'swapping'], this.description)
      const mounts = await targetMounts(details, this.#settings, client, context)
      const place = { client, context, mounts, empty: new Set<string>() }
      const swapping = record.stage === 'swapping' ? record : await this.#savePrevious(stage, record, details, place)
      const wanted = (): AsyncIterable<Entry> => this.#wanted(stage, swapping, details, place)
      const diverged = await applyAll(wanted(), place)
      await requireEqual(wanted, diverged, client)
      await stage.save({ ...swapping, stage: 'swapped', since: context.clock.now().toISOString() })
      await stage.removeBundle('loaded')
    })
  }

  async #savePrevious(
    stage: Stage,
    record: StageRecord,
    details: OpenbaoDetails,
    place: ApplyPlace,
  ): Promise<StageRecord> {
    const saving: StageRecord = { ...record, stage: 'saving' }
    await stage.save(saving)
    const previous = await stage.keep('previous', presentLines(this.#wanted(stage, record, details, place), place))
    const swapping: StageRecord = { ...saving, stage: 'swapping', previous }
    // From here on live secrets are changed; what dies before has changed none.
    await stage.save(swapping)
    return swapping
  }

  #wanted(
    stage: Stage,
    record: StageRecord,
    details: OpenbaoDetails,
    { mounts, client }: ApplyPlace,
  ): AsyncIterable<Entry> {
    const { loaded } = record
    if (loaded === undefined) throw refusedAt(record, this.description)
    const entries = (): AsyncIterable<Entry> => entriesOf(stage.read('loaded', loaded), details)
    return withExtras(entries, this.#settings, mounts.values(), client)
  }

  /** After a swap nothing: KV was never locked. In the middle of one, back to what was there before. */
  async reopen(context: Context): Promise<void> {
    await this.#withFound(context, async (found, client) => {
      if (found?.record.stage === 'swapping' || found?.record.stage === 'undoing')
        await this.#goBack(found, context, client)
    })
  }

  async discard(context: Context): Promise<void> {
    await this.reopen(context)
    await this.#withFound(context, discardLoaded)
  }

  async undo(context: Context): Promise<void> {
    await this.#withFound(context, async (one, client) => {
      const found = requireKept(one, this.description, 'What a restore replaced may have been removed after its time.')
      if (found.record.stage === 'undone') return
      await this.#goBack(found, context, client)
    })
  }

  async forget(context: Context): Promise<void> {
    await this.#withFound(context, (found) => forgetRetained(found, this.description))
  }

  /** Keeps what is live now, then brings every secret back to what it was before the restore. */
  async #goBack({ stage, record }: Found, context: Context, client: Client): Promise<void> {
    const { previous } = record
    if (previous === undefined) throw refusedAt(record, this.description)
    const mounts = new Map((await findMounts(this.#settings, client)).map((mount) => [mount.path, mount]))
    const place: ApplyPlace = { client, context, mounts, empty: new Set() }
    const before = (): AsyncIterable<Entry> => entriesOf(stage.read('previous', previous), previous)
    let undoing = record
    if (record.stage !== 'undoing') {
      const brought = await stage.keep('brought', presentLines(before(), place))
      undoing = { ...record, stage: 'undoing', brought }
      await stage.save(undoing)
    }
    const diverged = await applyAll(before(), place)
    await requireEqual(before, diverged, client)
    await stage.removeBundle('loaded')
    await stage.save({ ...undoing, stage: 'undone', since: context.clock.now().toISOString() })
  }

  /** What the server says of this restore now. */
  #withFound<Result>(
    context: Context,
    act: (found: Found | undefined, client: Client) => Promise<Result>,
  ): Promise<Result> {
    return withClient(this.#settings, 'restore', context, async (client) =>
      act(await this.#find(client, context), client),
    )
  }

  async #find(client: Client, context: Context): Promise<Found | undefined> {
    for (const mount of await findMounts(this.#settings, client)) {
      const stage = new Stage(mount, this.#restoreId, client, context)
      const record = await stage.record()
      if (record !== undefined) return { stage, record }
    }
    return undefined
  }
}

interface Found {
  readonly stage: Stage
  readonly record: StageRecord
}

function placeFor(
  details: OpenbaoDetails,
  mounts: ApplyPlace['mounts'],
): NonNullable<ReturnType<ApplyPlace['mounts']['get']>> {
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
async function* presentLines(entries: AsyncIterable<Entry>, { client, mounts }: ApplyPlace): Bytes {
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

async function requireEqual(wanted: () => AsyncIterable<Entry>, diverged: Diverged, client: Client): Promise<void> {
  const differences = await compareAll(
    wanted(),
    (entry) => (diverged.has(nameOf(entry)) ? 'current' : 'versions'),
    client,
  )
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
