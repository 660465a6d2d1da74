import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { readObject } from '../capture/find.ts'
import {
  areEqual,
  besideOthers,
  bodyOf,
  labelOf,
  resourceOf,
  type KubernetesObject,
  type LiveObject,
} from '../object.ts'
import { beingDeleted, heldBy, isReplaceable } from './replaceable.ts'
import type { ObjectRef } from './stage.ts'

export interface ApplyTarget {
  readonly namespace: string
  readonly client: KubernetesClient
  readonly context: Context
}

/** What is live may be overwritten. */
type MayReplace = (live: LiveObject | undefined) => boolean

/** What an object is brought to. */
export interface Wanted {
  /** Undefined where nothing is wanted. */
  readonly one: KubernetesObject | undefined
  /** Whether labels and annotations that it does not have go from the live object. */
  readonly exactly: boolean
  /** What was live before: one that was deleted to be made again gets the rest of it. */
  readonly before?: KubernetesObject | undefined
}

const TRIES = 5

/**
 * Makes the live object what is wanted, or takes it away where nothing is. What was changed since it was read is read
 * again and not overwritten unseen. An equal one is left alone.
 */
export async function applyObject(
  { object, name }: ObjectRef,
  wanted: Wanted,
  mayReplace: MayReplace,
  place: ApplyTarget,
): Promise<void> {
  let { before } = wanted
  for (let tries = 0; tries < TRIES; tries += 1) {
    const live = await readObject({ object, name }, place.namespace, place.client)
    if (live?.isGoing === true) throw beingDeleted(live)
    const one = withOthers(wanted, live ?? before)
    if (isAsWanted(live, one)) return
    if (!mayReplace(live)) throw changedMeanwhile(object, name)
    const done = live === undefined ? await make(one, before, place) : await change(live, one, place)
    if (done === true) return
    if (done === 'to be made again') before = live
  }
  throw new Failure('locked', `${object} ${name} is changed by somebody else again and again`, {
    hint: 'Find who writes to it in its metadata.managedFields, stop it, and restore again.',
  })
}

/** False where it is to be looked at again: somebody else came between. */
type Done = boolean | 'to be made again'

function make(
  one: KubernetesObject | undefined,
  before: KubernetesObject | undefined,
  { namespace, client, context }: ApplyTarget,
): Promise<Done> {
  if (one === undefined) return Promise.resolve(true)
  const body = bodyOf(one, undefined, before?.rest)
  const act = (): Promise<boolean> => client.create(resourceOf(one.object, namespace), one.name, body)
  return context.effects.run('kubernetes: create an object', act)
}

async function change(
  live: LiveObject,
  one: KubernetesObject | undefined,
  { namespace, client, context }: ApplyTarget,
): Promise<Done> {
  const resource = resourceOf(live.object, namespace)
  const remove = (): Promise<boolean> => client.remove(resource, live.name, live.version)
  if (one === undefined) return await context.effects.run('kubernetes: delete an object', remove)
  if (isReplaceable(live, one)) {
    const body = bodyOf(one, live.version, live.rest)
    return await context.effects.run('kubernetes: replace an object', () => client.replace(resource, live.name, body))
  }
  if (live.finalizers.length > 0) throw heldBy(live)
  // Dying here leaves it deleted; whoever goes on finds nothing, and creates it with what was kept of it.
  await context.effects.run('kubernetes: delete an object that cannot be changed', remove)
  return 'to be made again'
}

/** What it comes to on top of this object. */
export function withOthers({ one, exactly }: Wanted, live: KubernetesObject | undefined): KubernetesObject | undefined {
  return exactly || one === undefined ? one : besideOthers(one, live)
}

function isAsWanted(live: LiveObject | undefined, wanted: KubernetesObject | undefined): boolean {
  if (live === undefined || wanted === undefined) return live === wanted
  return areEqual(live, wanted)
}

const CHANGED = 'changedMeanwhile'

function changedMeanwhile(object: string, name: string): Failure {
  return new Failure('refused', `${object} ${name} was changed by somebody else while it was restored`, {
    hint: 'Stop what writes to it, then restore again.',
    facts: { [CHANGED]: true },
  })
}

/** Whether it is another object by now, which is no reason to keep what was before. */
export function isChangedMeanwhile(error: unknown): error is Failure {
  return error instanceof Failure && error.facts[CHANGED] === true
}

/** Applies all of them, and then names everything that is not as wanted. */
export async function applyAll(
  wanted: readonly (readonly [ObjectRef, Wanted])[],
  mayReplace: MayReplace,
  place: ApplyTarget,
): Promise<void> {
  for (const [one, what] of wanted) await applyObject(one, what, mayReplace, place)
  const wrong: string[] = []
  for (const [one, what] of wanted) {
    const live = await readObject(one, place.namespace, place.client)
    if (!isAsWanted(live, withOthers(what, live))) wrong.push(labelOf(one))
  }
  if (wrong.length === 0) return
  throw new Failure('incomplete', `kubernetes: ${wrong.join(', ')} did not stay what it was brought to`, {
    hint: 'Something else writes to it, or an admission rule of the cluster changes it. Its metadata.managedFields says who wrote what.',
  })
}
