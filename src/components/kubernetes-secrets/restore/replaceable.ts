import { Failure } from '../../../core/failure.ts'
import { areKeysEqual } from '../capture/digests.ts'
import { areEqual, labelOf, type KubernetesObject, type LiveObject } from '../object.ts'
import type { CapturedObject, KubernetesSecretsDetails } from '../schema.ts'

/**
 * Why a restore could not bring this object to what was captured, known before it changes anything: one that is deleted
 * to be made again, and stays until a finalizer is taken away, would be neither the old nor the new.
 */
export function notReplaceable(
  live: LiveObject | undefined,
  captured: CapturedObject,
  details: KubernetesSecretsDetails,
): Failure | undefined {
  if (live === undefined) return undefined
  if (live.isGoing) return beingDeleted(live)
  return live.finalizers.length > 0 && isMadeAgain(live, captured, details) ? heldBy(live) : undefined
}

export function requireReplaceable(
  live: LiveObject | undefined,
  captured: CapturedObject,
  details: KubernetesSecretsDetails,
): void {
  const failure = notReplaceable(live, captured, details)
  if (failure !== undefined) throw failure
}

/** The type never changes, and of an immutable object nothing but labels and annotations. */
function isMadeAgain(live: LiveObject, captured: CapturedObject, details: KubernetesSecretsDetails): boolean {
  const { type, immutable } = live.description
  if (type !== captured.type) return true
  if (!immutable) return false
  return !captured.immutable || !areKeysEqual(captured, live, details)
}

/** Whether the server takes it in the place of the live one; otherwise that is deleted and made again. */
export function isReplaceable(live: KubernetesObject, wanted: KubernetesObject): boolean {
  if (live.description.type !== wanted.description.type) return false
  if (!live.description.immutable) return true
  const { labels, annotations } = wanted.description
  return areEqual({ ...live, description: { ...live.description, labels, annotations } }, wanted)
}

/** Not `refused`: it passes by itself, and what is kept for the way back is needed until then. */
export function beingDeleted(live: LiveObject): Failure {
  const by = live.finalizers.length === 0 ? '' : `, which waits for ${live.finalizers.join(', ')}`
  return new Failure('locked', `${labelOf(live)} is being deleted${by}`, {
    hint: 'Wait until it is gone, or see who takes its finalizers away; then run it again.',
  })
}

export function heldBy(live: LiveObject): Failure {
  const why = live.description.immutable ? 'is immutable' : 'has another type'
  return new Failure(
    'refused',
    `${labelOf(live)} ${why}, and ${live.finalizers.join(', ')} keeps it from being deleted`,
    {
      hint: 'Delete it with the means of whoever set the finalizer, then restore again: one that is gone is made.',
    },
  )
}
