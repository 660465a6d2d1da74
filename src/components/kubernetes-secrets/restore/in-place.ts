import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import type { RestoreTarget } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { SECRETS } from '../../secret-record.ts'
import { withoutSwap } from '../../without-swap.ts'
import { applyObject, type ApplyTarget, type Wanted } from './apply.ts'
import { withClient } from '../connect.ts'
import { capturedObjects, liveDifferencesOf } from '../capture/digests.ts'
import { readObject } from '../capture/find.ts'
import { leftAlone } from '../capture/left-alone.ts'
import { isSame, type KubernetesObject } from '../object.ts'
import { rehearse } from './rehearse.ts'
import { requireReplaceable } from './replaceable.ts'
import { preflight } from './preflight.ts'
import type { ObjectRef } from './stage.ts'
import type { CapturedObject, KubernetesSecretsDetails, KubernetesSecretsSettings } from '../schema.ts'

/** Brings each object to what was captured, and keeps nothing for undo. */
export function inPlaceTarget(settings: KubernetesSecretsSettings): RestoreTarget<KubernetesSecretsDetails> {
  return {
    // Objects have no lock that writers respect: each is replaced in the version that was read.
    ...withoutSwap(describeTarget(settings), settings.namespace),
    state: () => Promise.resolve('untouched'),
    preflight: (details, context) => preflight(settings, 'in-place', details, context),
    load: (details, source, context) => loadInPlace(settings, details, source, context),
    compare: (details, context) =>
      withClient(settings, 'restore', context, (client) => compareLive(settings, details, client)),
    discard: () => Promise.resolve(),
  }
}

export function describeTarget({ namespace }: KubernetesSecretsSettings): string {
  return `Secrets and ConfigMaps in namespace ${namespace}`
}

async function loadInPlace(
  settings: KubernetesSecretsSettings,
  details: KubernetesSecretsDetails,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const { namespace } = settings
  await withClient(settings, 'restore', context, async (client) => {
    for (const captured of details.objects) {
      const live = await readObject(captured, namespace, client)
      if (leftAlone(settings, live) === undefined) requireReplaceable(live, captured, details)
    }
    const place: ApplyTarget = { namespace, client, context }
    // All of them before the first is changed: nothing is kept here to go back to.
    await eachOf(details, source, settings, place, (one) => rehearse([one], place))
    await eachOf(details, source, settings, place, ([one, wanted]) => applyObject(one, wanted, () => true, place))
  })
}

/** Every object that is not left to who else writes it. */
async function eachOf(
  details: KubernetesSecretsDetails,
  source: ArtifactSource,
  settings: KubernetesSecretsSettings,
  { namespace, client }: ApplyTarget,
  act: (one: readonly [ObjectRef, Wanted]) => Promise<void>,
): Promise<void> {
  for await (const one of capturedObjects(details, source.read(SECRETS))) {
    const live = await readObject(one, namespace, client)
    if (leftAlone(settings, live) === undefined) await act([one, wantedOf(one, details)])
  }
}

/** Points of before the names of labels were recorded cannot tell others' from their own. */
export function wantedOf(one: KubernetesObject, details: KubernetesSecretsDetails): Wanted {
  const captured = details.objects.find((other) => isSame(other, one))
  return { one, exactly: captured?.describedNames === undefined }
}

/** Reads every object again that was not left alone. */
export async function compareLive(
  settings: KubernetesSecretsSettings,
  details: KubernetesSecretsDetails,
  client: KubernetesClient,
): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const captured of details.objects) differences.push(...(await compareOne(captured, settings, details, client)))
  return differences
}

async function compareOne(
  captured: CapturedObject,
  settings: KubernetesSecretsSettings,
  details: KubernetesSecretsDetails,
  client: KubernetesClient,
): Promise<readonly Difference[]> {
  const live = await readObject(captured, settings.namespace, client)
  return leftAlone(settings, live) === undefined ? liveDifferencesOf(captured, live, details) : []
}
