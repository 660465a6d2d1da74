import { isFailure } from '../../../core/failure.ts'
import type { Starter } from '../../surroundings.ts'
import { managersOf } from '../check/starters.ts'
import type { KubernetesClient } from '../client.ts'
import { kindOf } from '../pause/kinds.ts'

/** Argo CD keeps its Applications there, unless it is told otherwise. */
const ARGO = 'argocd'

/** Flux and Argo CD, as far as they say on the object that they made it. Their labels may outlive them, so they are looked for. */
export async function startersOfObject(
  object: unknown,
  namespace: string,
  client: KubernetesClient,
): Promise<readonly Starter[]> {
  const starters: Starter[] = []
  for (const { kind, name, namespace: said } of managersOf(object)) {
    const places = said === undefined ? [ARGO, namespace] : [said]
    let found: string | undefined
    for (const place of places) found ??= (await isThere(kind, name, place, client)) ? place : undefined
    starters.push({ kind, name, namespace: found })
  }
  return starters
}

async function isThere(kind: string, name: string, namespace: string, client: KubernetesClient): Promise<boolean> {
  try {
    return (await client.get(await kindOf(kind).resource(namespace, client), name)) !== undefined
  } catch (error) {
    // A cluster without Flux, or a login that may not see it: it is named as not found.
    if (isFailure(error, 'unsupported') || isFailure(error, 'denied')) return false
    throw error
  }
}
