import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import type { Spawned } from '../../through.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { podsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { containerOf, findPod } from './find.ts'
import type { Pod } from './pod.ts'
import { PodPlace } from './pod-place.ts'
import { identityShape, likeSpec, startThrowAwayPod, type PodLike } from './throw-away-pod.ts'

const likeShape = z.object({
  spec: likeSpec.extend({
    containers: z.array(z.object({ name: z.string(), image: z.string(), securityContext: identityShape })),
  }),
})

/** A pod with the image and the security context of the one in which the server runs, and nothing else of it. */
export function spawnPod(settings: KubernetesSettings, reach: KubernetesReach, context: Context): Promise<Spawned> {
  return startThrowAwayPod(settings, (client) => likeServer(settings, reach, client, context), context)
}

async function likeServer(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  client: KubernetesClient,
  context: Context,
): Promise<PodLike> {
  const live = await findPod(settings.namespace, reach, client)
  const { name, image } = containerOf(live, reach)
  const own = await ownIdentity(live, name, settings, context)
  const body = await client.get(podsIn(settings.namespace), live.metadata.name)
  const { spec } = parsed(likeShape, body, `read Pod ${live.metadata.name}`)
  const { securityContext } = spec.containers.find((one) => one.name === name) ?? {}
  const asOwner = own === undefined ? {} : { runAsUser: own, fsGroup: own }
  return {
    image,
    like: { ...spec, securityContext: { ...spec.securityContext, ...asOwner } },
    more: securityContext === undefined ? {} : { container: { securityContext } },
  }
}

/** A server refuses to run as root: where the live container's programs begin as root, its image changes to this user. */
async function ownIdentity(
  live: Pod,
  container: string,
  settings: KubernetesSettings,
  context: Context,
): Promise<number | undefined> {
  const { namespace, name: pod, uid } = live.metadata
  const place = new PodPlace(settings, { namespace, pod, uid, container }, '')
  if ((await userId(place, [], context)) !== 0) return undefined
  return await userId(place, ['postgres'], context)
}

async function userId(place: Place, names: readonly string[], context: Context): Promise<number> {
  const program = await place.start(['id', '-u', ...names], context)
  program.stdin.end()
  const text = Buffer.concat(await program.stdout.toArray())
    .toString('utf8')
    .trim()
  if ((await program.ended) === 0 && /^\d+$/.test(text)) return Number(text)
  throw new Failure('unsupported', `${place.name} does not say as whom a server of its image runs`, {
    hint: 'Write throwAwayServer: here, and install the server programs on this machine.',
  })
}
