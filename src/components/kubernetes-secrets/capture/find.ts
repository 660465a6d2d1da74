import { Failure } from '../../../core/failure.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { liveObject, resourceOf, type LiveObject } from '../object.ts'
import type { KubernetesSecretsSettings, ObjectKind } from '../schema.ts'
import { OWN_LABEL } from './slots.ts'

export interface Selected {
  readonly object: ObjectKind
  readonly name: string
  /** By its own name, and not by a label. */
  readonly named: boolean
}

/** The objects that the settings select now. What our own restores keep for undo is none of them. */
export async function selectedObjects(
  settings: KubernetesSecretsSettings,
  client: KubernetesClient,
): Promise<readonly Selected[]> {
  const { secrets, secretSelector, configMaps, configMapSelector } = settings
  return [
    ...(await selectedOf('Secret', secrets, secretSelector, settings, client)),
    ...(await selectedOf('ConfigMap', configMaps, configMapSelector, settings, client)),
  ]
}

async function selectedOf(
  object: ObjectKind,
  names: readonly string[],
  selector: string | undefined,
  { namespace }: KubernetesSecretsSettings,
  client: KubernetesClient,
): Promise<Selected[]> {
  const resource = resourceOf(object, namespace)
  const found = selector === undefined ? [] : await client.names(resource, `${selector},!${OWN_LABEL}`)
  const named = new Set(names)
  return [...new Set([...names, ...found])].map((name) => ({ object, name, named: named.has(name) }))
}

/** Undefined when there is none. */
export async function readObject(
  { object, name }: Pick<Selected, 'object' | 'name'>,
  namespace: string,
  client: KubernetesClient,
): Promise<LiveObject | undefined> {
  const body = await client.get(resourceOf(object, namespace), name)
  return body === undefined ? undefined : liveObject(object, body)
}

/** One that is named and not there fails: without it the app does not start. */
export async function requireObject(
  selected: Selected,
  namespace: string,
  client: KubernetesClient,
): Promise<LiveObject | undefined> {
  const found = await readObject(selected, namespace, client)
  if (found === undefined && selected.named)
    throw new Failure('notFound', `namespace ${namespace} has no ${selected.object} ${selected.name}`, {
      hint: 'Correct the names or the namespace in the configuration.',
    })
  return found
}
