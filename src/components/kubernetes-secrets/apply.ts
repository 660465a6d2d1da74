import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { KubernetesClient } from '../../platforms/kubernetes/client.ts'
import { readObject } from './find.ts'
import { areEqual, bodyOf, labelOf, resourceOf, type KubernetesObject, type LiveObject, type Rest } from './object.ts'
import { beingDeleted, heldBy } from './replaceable.ts'
import type { Place } from './stage.ts'

export interface ApplyPlace {
  readonly namespace: string
  readonly client: KubernetesClient
  readonly context: Context
}

/** What is live may be overwritten. */
export type MayReplace = (live: LiveObject | undefined) => boolean

const TRIES = 5

/**
 * Makes the live object what is wanted, or takes it away where nothing is. What was changed since it was read is read
 * again and not overwritten unseen. An equal one is left alone.
 */
export async function applyObject(
  { object, name }: Place,
  wanted: KubernetesObject | undefined,
  mayReplace: MayReplace,
  { namespace, client, context }: ApplyPlace,
): Promise<void> {
  // Of an object that is deleted to be made again.
  let before: Rest | undefined
  for (let tries = 0; tries < TRIES; tries += 1) {
    const live = await readObject({ object, name }, namespace, client)
    if (live?.isGoing === true) throw beingDeleted(live)
    if (isAsWanted(live, wanted)) return
    if (!mayReplace(live)) throw changedMeanwhile(object, name)
    const resource = resourceOf(object, namespace)
    const effect = (what: string, act: () => Promise<boolean>): Promise<boolean> =>
      context.effects.run(`kubernetes: ${what}`, act)
    if (live === undefined) {
      // There is nothing, and not nothing wanted.
      if (
        wanted &&
        (await effect('create an object', () => client.create(resource, name, bodyOf(wanted, undefined, before))))
      )
        return
    } else if (wanted === undefined) {
      if (await effect('delete an object', () => client.remove(resource, name, live.version))) return
    } else if (isReplaceable(live, wanted)) {
      const body = bodyOf(wanted, live.version, live.rest)
      if (await effect('replace an object', () => client.replace(resource, name, body))) return
    } else {
      if (live.finalizers.length > 0) throw heldBy(live)
      before = live.rest
      // Dying here leaves it deleted; whoever goes on finds nothing and creates it.
      await effect('delete an object that cannot be changed', () => client.remove(resource, name, live.version))
    }
  }
  throw new Failure('locked', `${object} ${name} is changed by somebody else again and again`, {
    hint: 'Find who writes to it in its metadata.managedFields, stop it, and restore again.',
  })
}

function isAsWanted(live: LiveObject | undefined, wanted: KubernetesObject | undefined): boolean {
  if (live === undefined || wanted === undefined) return live === wanted
  return areEqual(live, wanted)
}

/** The type never changes, and of an immutable object nothing but labels and annotations. */
function isReplaceable(live: KubernetesObject, wanted: KubernetesObject): boolean {
  if (live.description.type !== wanted.description.type) return false
  if (!live.description.immutable) return true
  const described = {
    ...live.description,
    labels: wanted.description.labels,
    annotations: wanted.description.annotations,
  }
  return areEqual({ ...live, description: described }, wanted)
}

function changedMeanwhile(object: string, name: string): Failure {
  return new Failure('refused', `${object} ${name} was changed by somebody else while it was restored`, {
    hint: 'Stop what writes to it, then restore again.',
  })
}

/** Everything that is not as wanted after it was applied. */
export async function requireApplied(
  wanted: readonly KubernetesObject[],
  absent: readonly Place[],
  { namespace, client }: ApplyPlace,
): Promise<void> {
  const wrong: string[] = []
  for (const one of wanted) if (!isAsWanted(await readObject(one, namespace, client), one)) wrong.push(labelOf(one))
  for (const one of absent) if ((await readObject(one, namespace, client)) !== undefined) wrong.push(labelOf(one))
  if (wrong.length === 0) return
  throw new Failure('incomplete', `kubernetes: ${wrong.join(', ')} did not stay what it was brought to`, {
    hint: 'Something else writes to it, or an admission rule of the cluster changes it. Its metadata.managedFields says who wrote what.',
  })
}
