import { describe, Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference, Finding } from '../../../core/restore-point.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import type { Target, TargetRequest, TargetState } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { SECRETS } from '../../secret-record.ts'
import {
  discardLoaded,
  forgetRetained,
  requireFound,
  requireKept,
  requireLoadable,
  requireStage,
  stateOf,
} from '../../value-swap.ts'
import { applyObject, isChangedMeanwhile, requireApplied, type ApplyPlace, type Wanted } from './apply.ts'
import { withClient } from '../connect.ts'
import { capturedObjects, differencesOf } from '../capture/digests.ts'
import { readObject } from '../capture/find.ts'
import { compareLive, describeTarget, wantedOf } from './in-place.ts'
import { leftAlone } from '../capture/left-alone.ts'
import { areEqual, besideOthers, isSame, labelOf, type KubernetesObject, type LiveObject } from '../object.ts'
import { preflight } from './preflight.ts'
import { rehearse } from './rehearse.ts'
import { beingDeleted, requireReplaceable } from './replaceable.ts'
import { collected } from './records.ts'
import type { KubernetesSecretsDetails, KubernetesSecretsSettings } from '../schema.ts'
import { freeStage, keptStages, type Bundle, type FoundStage, type Place, type StageRecord } from './stage.ts'

/**
 * Keeps what will be restored, and then what it replaces, in Secrets of the namespace, and only then brings each object
 * to what was captured. It is not one moment: a process that dies in the middle leaves some objects old and some
 * restored, and `swap` goes forward or `reopen` goes back from there, by what is kept on the server.
 */
export class SwapTarget implements Target<KubernetesSecretsDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #settings: KubernetesSecretsSettings
  readonly #restoreId: string

  constructor(settings: KubernetesSecretsSettings, { restoreId }: TargetRequest) {
    this.#settings = settings
    this.#restoreId = restoreId
    this.description = describeTarget(settings)
    this.confirmation = settings.namespace
  }

  state(context: Context): Promise<TargetState> {
    return this.#withFound(context, async (found) => stateOf(found))
  }

  preflight(details: KubernetesSecretsDetails, context: Context): Promise<readonly Finding[]> {
    return preflight(this.#settings, 'swap', details, context)
  }

  async load(details: KubernetesSecretsDetails, source: ArtifactSource, context: Context): Promise<void> {
    await this.#withFound(context, async (found, client) => {
      requireLoadable(found, this.description)
      const objects = await collected(capturedObjects(details, source.read(SECRETS)))
      const place: ApplyPlace = { namespace: this.#settings.namespace, client, context }
      await rehearse(await this.#toBring(objects, details, place), place)
      const stage = found?.stage ?? (await freeStage(this.#settings, client, context))
      const loading = { format: 1, restoreId: this.#restoreId, since: context.clock.now().toISOString() } as const
      await stage.save({ ...loading, stage: 'loading' })
      const restored = await stage.keep('restored', this.#restoreId, objects, [])
      await stage.save({ ...loading, stage: 'loaded', restored })
    })
  }

  /** Before the swap what was loaded, after it what is live. */
  async compare(details: KubernetesSecretsDetails, context: Context): Promise<readonly Difference[]> {
    const swapped = (await this.state(context)) === 'swapped'
    if (swapped) return await compareLive(this.#settings, details, context)
    return await this.#withFound(context, async (found) => {
      const restored = await restoredOf(requireFound(found, this.description))
      const loaded = new Map(restored.map((one) => [labelOf(one), one]))
      return details.objects.flatMap((one) => differencesOf(one, loaded.get(labelOf(one)), details))
    })
  }

  runChecks(): Promise<readonly Difference[]> {
    return Promise.resolve([])
  }

  /** Objects have no lock that writers respect: what they write meanwhile is found and not overwritten. */
  fence(): Promise<void> {
    return Promise.resolve()
  }

  async swap(details: KubernetesSecretsDetails, context: Context): Promise<void> {
    await this.#withFound(context, async (one, client) => {
      const found = requireFound(one, this.description)
      if (found.record.stage === 'swapped') return await found.stage.removeBundle('restored')
      requireStage(found, ['loaded', 'swapping'], this.description)
      const place: ApplyPlace = { namespace: this.#settings.namespace, client, context }
      const swapping = found.record.stage === 'swapping' ? found : await this.#keepPrevious(found, details, place)
      await this.#bringLive(swapping, details, place)
    })
  }

  /** What is to be changed: all but what is left to who else writes it. */
  async #toBring(
    objects: readonly KubernetesObject[],
    details: KubernetesSecretsDetails,
    { namespace, client }: ApplyPlace,
  ): Promise<readonly (readonly [Place, Wanted])[]> {
    const wanted: (readonly [Place, Wanted])[] = []
    for (const one of objects)
      if (leftAlone(this.#settings, await readObject(one, namespace, client)) === undefined)
        wanted.push([one, wantedOf(one, details)])
    return wanted
  }

  async #keepPrevious(
    { stage, record }: FoundStage,
    details: KubernetesSecretsDetails,
    place: ApplyPlace,
  ): Promise<FoundStage> {
    const objects = await restoredOf({ stage, record })
    const { present, absent } = await this.#present(objects, details, place)
    await rehearse(await this.#toBring(objects, details, place), place)
    const previous = await stage.keep('previous', this.#restoreId, present, absent)
    const swapping: StageRecord = { ...record, stage: 'swapping', previous }
    // From here on live objects are changed; what dies before has changed none.
    await stage.save(swapping)
    return { stage, record: swapping }
  }

  /** What is live of the objects that the restore is to change; those it leaves alone are in neither list. */
  async #present(
    objects: readonly KubernetesObject[],
    details: KubernetesSecretsDetails,
    { namespace, client }: ApplyPlace,
  ): Promise<{ readonly present: readonly LiveObject[]; readonly absent: readonly Place[] }> {
    const present: LiveObject[] = []
    const absent: Place[] = []
    for (const { object, name } of objects) {
      const live = await readObject({ object, name }, namespace, client)
      if (leftAlone(this.#settings, live) !== undefined) continue
      const captured = details.objects.find((one) => isSame(one, { object, name }))
      if (captured !== undefined) requireReplaceable(live, captured, details)
      if (live === undefined) absent.push({ object, name })
      else present.push(live)
    }
    return { present, absent }
  }

  async #bringLive({ stage, record }: FoundStage, details: KubernetesSecretsDetails, place: ApplyPlace): Promise<void> {
    const before = await previousOf({ stage, record })
    const restored = (await restoredOf({ stage, record })).filter((one) => before.touches(one))
    const wanted = restored.map((one) => [one, { ...wantedOf(one, details), before: before.of(one) }] as const)
    for (const [one, what] of wanted)
      await applyObject(one, what, (live) => live === undefined || before.has(live), place)
    await requireApplied(wanted, place)
    const { restored: _done, ...kept } = record
    await stage.save({ ...kept, stage: 'swapped', since: place.context.clock.now().toISOString() })
    await stage.removeBundle('restored')
  }

  /** After a swap nothing: nobody was locked out. In the middle of one, back to what was there before. */
  async reopen(context: Context): Promise<void> {
    await this.#withFound(context, async (found, client) => {
      if (found?.record.stage === 'swapping') await this.#takeBack(found, client, context)
      if (found?.record.stage === 'undoing') await this.#goBack(found, client, context)
    })
  }

  async discard(context: Context): Promise<void> {
    await this.reopen(context)
    await this.#withFound(context, discardLoaded)
  }

  async undo(context: Context): Promise<void> {
    await this.#withFound(context, async (one, client) => {
      const found = requireKept(
        one,
        this.description,
        'What a restore replaced may have been removed after its time, or the selection of the component was changed since.',
      )
      if (found.record.stage === 'undone') return
      requireStage(found, ['swapped', 'undoing'], this.description)
      await this.#goBack(found, client, context)
    })
  }

  /** Not while an object of it is being deleted: what is live now may be gone in a moment, and this is all there is of it. */
  async forget(context: Context): Promise<void> {
    await this.#withFound(context, async (found, client) => {
      // One that died has removed what was kept first, and its record last.
      const isThere = found?.record.previous !== undefined && (await found.stage.has('previous'))
      const places = isThere ? (await previousOf(found)).places : []
      for (const one of places) {
        const live = await readObject(one, this.#settings.namespace, client)
        if (live?.isGoing === true) throw beingDeleted(live)
      }
      await forgetRetained(found, this.description)
    })
  }

  /** Out of the middle of a swap. What somebody else wrote meanwhile is left, and said. */
  async #takeBack(found: FoundStage, client: KubernetesClient, context: Context): Promise<void> {
    const place: ApplyPlace = { namespace: this.#settings.namespace, client, context }
    const before = await previousOf(found)
    const restored = await restoredOf(found)
    const ours = (live: LiveObject | undefined): boolean =>
      live === undefined || restored.some((one) => isSame(one, live) && areEqual(besideOthers(one, live), live))
    for (const one of before.places)
      await applyObject(one, exactly(before.of(one)), ours, place).catch((error: unknown) => {
        // Only what is another object by now needs what was kept no more.
        if (!isChangedMeanwhile(error)) throw error
        context.progress({ type: 'warning', message: `${describe(error)}, and was left as it is now` })
      })
    const { previous: _previous, ...loaded } = found.record
    await found.stage.save({ ...loaded, stage: 'loaded' })
    await found.stage.removeBundle('previous')
  }

  /** Keeps what is live now, then brings every object back to what it was before the restore. */
  async #goBack(found: FoundStage, client: KubernetesClient, context: Context): Promise<void> {
    const place: ApplyPlace = { namespace: this.#settings.namespace, client, context }
    const before = await previousOf(found)
    const isBegun = found.record.stage === 'undoing'
    if (!isBegun)
      await rehearse(
        before.places.map((one) => [one, exactly(before.of(one))] as const),
        place,
      )
    const undoing = isBegun ? found.record : await this.#keepBrought(found, before, place)
    // What is live now has owners that are there now.
    const brought = await restoredOf({ stage: found.stage, record: undoing })
    const wanted = before.places.map((one) => {
      const live = brought.find((other) => isSame(other, one))
      return [one, { one: before.of(one), exactly: true, before: live }] as const
    })
    for (const [one, what] of wanted) await applyObject(one, what, () => true, place)
    await requireApplied(wanted, place)
    await found.stage.save({ ...undoing, stage: 'undone', since: context.clock.now().toISOString() })
  }

  async #keepBrought({ stage, record }: FoundStage, before: Previous, place: ApplyPlace): Promise<StageRecord> {
    const now: LiveObject[] = []
    for (const one of before.places) {
      const live = await readObject(one, place.namespace, place.client)
      if (live !== undefined) now.push(live)
    }
    const restored = await stage.keep('restored', this.#restoreId, now, [])
    const undoing: StageRecord = { ...record, stage: 'undoing', restored }
    await stage.save(undoing)
    return undoing
  }

  /** What the namespace says of this restore now. */
  #withFound<Result>(
    context: Context,
    act: (found: FoundStage | undefined, client: KubernetesClient) => Promise<Result>,
  ): Promise<Result> {
    return withClient(this.#settings, 'restore', context, async (client) => {
      const stages = await keptStages(this.#settings, client, context)
      const found = stages.find(({ record }) => record.restoreId === this.#restoreId)
      return await act(found, client)
    })
  }
}

/** As it was, with what else belonged to it where it has to be made again. */
function exactly(one: KubernetesObject | undefined): Wanted {
  return { one, exactly: true, before: one }
}

async function restoredOf({ stage, record }: FoundStage): Promise<readonly KubernetesObject[]> {
  return record.restored === undefined ? [] : await stage.read('restored', record.restored)
}

/** What was live before a restore. */
interface Previous {
  readonly objects: readonly KubernetesObject[]
  readonly absent: readonly Place[]
  readonly places: readonly Place[]
  of(place: Place): KubernetesObject | undefined
  touches(place: Place): boolean
  has(live: KubernetesObject): boolean
}

async function previousOf({ stage, record }: FoundStage): Promise<Previous> {
  const bundle: Bundle | undefined = record.previous
  if (bundle === undefined) throw new Failure('corrupt', 'what a restore replaced is not where its record says')
  const objects = await stage.read('previous', bundle)
  const places = [...objects, ...bundle.absent]
  return {
    objects,
    absent: bundle.absent,
    places,
    of: (place) => objects.find((one) => isSame(one, place)),
    touches: (place) => places.some((one) => isSame(one, place)),
    has: (live) => objects.some((one) => areEqual(one, live) && isSame(one, live)),
  }
}
