import { describe, Failure } from '../../../core/failure.ts'
import type { RestoreTarget, TargetRequest } from '../../target.ts'
import { SECRETS } from '../../secret-record.ts'
import type { Change, ValueStore } from '../../value-swap/value-store.ts'
import { valueSwapTarget } from '../../value-swap/value-swap-target.ts'
import { applyAll, applyObject, isChangedMeanwhile, type ApplyTarget, type Wanted } from './apply.ts'
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
import { freeStage, keptStages, type FoundStage, type ObjectRef } from './stage.ts'

/** Keeps what it needs in Secrets of the namespace. */
export function swapTarget(
  settings: KubernetesSecretsSettings,
  { restoreId }: TargetRequest,
): RestoreTarget<KubernetesSecretsDetails> {
  const { namespace } = settings
  return valueSwapTarget({
    description: describeTarget(settings),
    confirmation: namespace,
    whyNotRetained:
      'What a restore replaced may have been removed after its time, or the selection of the component was changed since.',
    preflight: (details, context) => preflight(settings, 'swap', details, context),
    connect: (context, act) =>
      withClient(settings, 'restore', context, (client) =>
        act(kubernetesStore(settings, restoreId, { namespace, client, context })),
      ),
  })
}

function kubernetesStore(
  settings: KubernetesSecretsSettings,
  restoreId: string,
  place: ApplyTarget,
): ValueStore<KubernetesSecretsDetails, FoundStage> {
  const { client, context } = place
  return {
    find: async () =>
      (await keptStages(settings, client, context)).find(({ record }) => record.restoreId === restoreId),
    async load(earlier, details, source) {
      const objects = await collected(capturedObjects(details, source.read(SECRETS)))
      await rehearse(await touchedBy(objects, details, settings, place), place)
      const stage = earlier?.stage ?? (await freeStage(settings, client, context))
      const since = context.clock.now().toISOString()
      return {
        found: { stage, record: { format: 1, restoreId, since, stage: 'loading' } },
        keep: async () => ({ restored: await stage.keep('restored', restoreId, objects, []) }),
      }
    },
    async compareLoaded(found, details) {
      const loaded = new Map((await restoredOf(found)).map((one) => [labelOf(one), one]))
      return details.objects.flatMap((one) => differencesOf(one, loaded.get(labelOf(one)), details))
    },
    // What was loaded is removed by then, and so few objects are quickly read.
    compareLive: (details) => compareLive(settings, details, client),
    forward: async (found, details) => ({
      async retain() {
        const touched = await touchedBy(await restoredOf(found), details, settings, place)
        for (const [one, { live }] of touched) {
          const captured = details.objects.find((other) => isSame(other, one))
          if (captured !== undefined) requireReplaceable(live, captured, details)
        }
        await rehearse(touched, place)
        const present = touched.flatMap(([, { live }]) => live ?? [])
        const absent = touched.flatMap(([{ object, name }, { live }]) => (live === undefined ? { object, name } : []))
        return { previous: await found.stage.keep('previous', restoreId, present, absent) }
      },
      async apply(record) {
        const before = await previousOf({ ...found, record })
        const restored = (await restoredOf(found)).filter((one) => before.touches(one))
        const wanted = restored.map((one) => [one, { ...wantedOf(one, details), before: before.of(one) }] as const)
        await applyAll(wanted, (live) => live === undefined || before.has(live), place)
      },
    }),
    back: (found) => wayBack(found, restoreId, place),
    takeBack: (found) => takeBack(found, place),
    removeLoaded: ({ stage }) => stage.removeBundle('restored'),
    requireForgettable: (found) => requireForgettable(found, place),
  }
}

/** What the restore is to change, with what is live of it: all but what is left to who else writes it. */
async function touchedBy(
  objects: readonly KubernetesObject[],
  details: KubernetesSecretsDetails,
  settings: KubernetesSecretsSettings,
  { namespace, client }: ApplyTarget,
): Promise<readonly (readonly [ObjectRef, Wanted & { readonly live: LiveObject | undefined }])[]> {
  const touched: (readonly [ObjectRef, Wanted & { readonly live: LiveObject | undefined }])[] = []
  for (const one of objects) {
    const live = await readObject(one, namespace, client)
    if (leftAlone(settings, live) === undefined) touched.push([one, { ...wantedOf(one, details), live }])
  }
  return touched
}

/** Those that are there. */
async function liveOf(
  places: readonly ObjectRef[],
  { namespace, client }: ApplyTarget,
): Promise<readonly LiveObject[]> {
  const there: LiveObject[] = []
  for (const one of places) {
    const live = await readObject(one, namespace, client)
    if (live !== undefined) there.push(live)
  }
  return there
}

async function wayBack(found: FoundStage, restoreId: string, place: ApplyTarget): Promise<Change<FoundStage>> {
  const before = await previousOf(found)
  return {
    async retain() {
      await rehearse(before.wanted, place)
      const brought = await liveOf(before.places, place)
      return { restored: await found.stage.keep('restored', restoreId, brought, []) }
    },
    async apply(record) {
      // What is live now has owners that are there now.
      const brought = await restoredOf({ ...found, record })
      const liveAt = (one: ObjectRef): KubernetesObject | undefined => brought.find((other) => isSame(other, one))
      const wanted = before.wanted.map(([one, what]) => [one, { ...what, before: liveAt(one) }] as const)
      await applyAll(wanted, () => true, place)
    },
  }
}

/** An object that is being deleted may be gone in a moment, and what is retained is all there is of it. */
async function requireForgettable(found: FoundStage, place: ApplyTarget): Promise<void> {
  // One that died has removed what was kept first, and its record last.
  if (found.record.previous === undefined || !(await found.stage.has('previous'))) return
  const live = await liveOf((await previousOf(found)).places, place)
  const going = live.find(({ isGoing }) => isGoing)
  if (going !== undefined) throw beingDeleted(going)
}

/** Only what the swap itself brought. What somebody else wrote meanwhile is left, and said. */
async function takeBack(found: FoundStage, place: ApplyTarget): Promise<void> {
  const before = await previousOf(found)
  const restored = await restoredOf(found)
  const ours = (live: LiveObject | undefined): boolean =>
    live === undefined || restored.some((one) => isSame(one, live) && areEqual(besideOthers(one, live), live))
  for (const [one, wanted] of before.wanted)
    await applyObject(one, wanted, ours, place).catch((error: unknown) => {
      // Only what is another object by now needs what was kept no more.
      if (!isChangedMeanwhile(error)) throw error
      place.context.progress({ type: 'warning', message: `${describe(error)}, and was left as it is now` })
    })
  const { previous: _previous, ...loaded } = found.record
  await found.stage.save({ ...loaded, stage: 'loaded' })
  await found.stage.removeBundle('previous')
}

async function restoredOf({ stage, record }: FoundStage): Promise<readonly KubernetesObject[]> {
  return record.restored === undefined ? [] : await stage.read('restored', record.restored)
}

/** What was live before a restore. */
interface Previous {
  readonly places: readonly ObjectRef[]
  /** Each as it was, with what else belonged to it where it has to be made again. */
  readonly wanted: readonly (readonly [ObjectRef, Wanted])[]
  readonly of: (place: ObjectRef) => KubernetesObject | undefined
  readonly touches: (place: ObjectRef) => boolean
  readonly has: (live: KubernetesObject) => boolean
}

async function previousOf({ stage, record }: FoundStage): Promise<Previous> {
  const bundle = record.previous
  if (bundle === undefined) throw new Failure('corrupt', 'what a restore replaced is not where its record says')
  const objects = await stage.read('previous', bundle)
  const places = [...objects, ...bundle.absent]
  const of = (place: ObjectRef): KubernetesObject | undefined => objects.find((one) => isSame(one, place))
  return {
    places,
    wanted: places.map((place) => [place, { one: of(place), exactly: true, before: of(place) }]),
    of,
    touches: (place) => places.some((one) => isSame(one, place)),
    has: (live) => objects.some((one) => areEqual(one, live) && isSame(one, live)),
  }
}
