import { Failure } from '../../../core/failure.ts'
import { withOthers, type ApplyTarget, type Wanted } from './apply.ts'
import { readObject } from '../capture/find.ts'
import { areEqual, bodyOf, resourceOf, type KubernetesObject, type LiveObject } from '../object.ts'
import { beingDeleted, heldBy, isReplaceable } from './replaceable.ts'
import type { ObjectRef } from './stage.ts'

/**
 * Asks the server by dry runs whether it would take each of these, and changes nothing. Fails with what it refuses: a rule,
 * a quota, a namespace that ends, a finalizer, a deletion under way. One after the other: that together they are more
 * than a quota has left is not seen.
 */
export async function rehearse(wanted: readonly (readonly [ObjectRef, Wanted])[], place: ApplyTarget): Promise<void> {
  for (const [{ object, name }, one] of wanted) {
    const live = await readObject({ object, name }, place.namespace, place.client)
    if (live?.isGoing === true) throw beingDeleted(live)
    await rehearseOne({ object, name }, withOthers(one, live ?? one.before), live, place).catch(unlessUnknown)
  }
}

async function rehearseOne(
  { object, name }: ObjectRef,
  wanted: KubernetesObject | undefined,
  live: LiveObject | undefined,
  { namespace, client }: ApplyTarget,
): Promise<void> {
  const resource = resourceOf(object, namespace)
  if (wanted === undefined) {
    if (live !== undefined) await client.remove(resource, name, live.version, 'dry run')
  } else if (live === undefined) {
    await client.create(resource, name, bodyOf(wanted), 'dry run')
  } else if (!areEqual(live, wanted)) {
    if (isReplaceable(live, wanted)) {
      await client.replace(resource, name, bodyOf(wanted, live.version, live.rest), 'dry run')
      return
    }
    if (live.finalizers.length > 0) throw heldBy(live)
    await client.remove(resource, name, live.version, 'dry run')
    // That there is one of its name is what is asked last, after all rules and quotas.
    await client.create(resource, name, bodyOf(wanted), 'dry run')
  }
}

/** A rule that knows no dry runs says nothing of the change. */
function unlessUnknown(error: unknown): void {
  if (error instanceof Failure && error.facts['refusedBy'] === 'rule without dry runs') return
  throw error
}
