import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { randomHex } from '../../../system/random.ts'
import type { Place } from '../../place.ts'
import type { Spawned } from '../../through.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { accessTo, withCluster } from '../connect.ts'
import { podsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { openChannels } from '../streams/channel-socket.ts'
import { containerOf, findPod } from './find.ts'
import { describePod, listPods, readPod, type Pod } from './pod.ts'
import { PodPlace } from './pod-place.ts'

/** Pods of throw-away servers have this label; one that has ended is of nobody. */
const LABEL = 'holdfast-throw-away'
const FOLDER = '/holdfast'
const START_LIMIT = 120_000
const DAY = 86_400
const identity = z.looseObject({ runAsUser: z.number().optional(), fsGroup: z.number().optional() }).optional()
const likeShape = z.object({
  spec: z.object({
    securityContext: identity,
    imagePullSecrets: z.array(z.unknown()).optional(),
    nodeSelector: z.unknown().optional(),
    tolerations: z.array(z.unknown()).optional(),
    containers: z.array(z.object({ name: z.string(), image: z.string(), securityContext: identity })),
  }),
})

/**
 * A pod with the image and the security context of the one in which the server runs, and nothing else of it: no volume, no
 * variable, no service account. It ends when its input does, which is when we do; what ended is removed by the next one.
 */
export async function spawnPod(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  context: Context,
): Promise<Spawned> {
  const { namespace } = settings
  const name = `holdfast-throw-away-${randomHex(6)}`
  const remove = (): Promise<void> => removePod(settings, name, context)
  try {
    const image = await createPod(settings, reach, name, context)
    const pod = await untilRunning(settings, name, context)
    const held = await holdInput(settings, name, context)
    const pinned = { namespace, pod: name, uid: pod.metadata.uid, container: 'server' }
    const end = async (): Promise<void> => {
      held.close()
      await remove()
    }
    return { place: new PodPlace(settings, pinned, image), folder: FOLDER, remove: end }
  } catch (error) {
    // What led here says more than that the removal failed too.
    await remove().catch(() => undefined)
    throw error
  }
}

/** Gives the image. */
async function createPod(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  name: string,
  context: Context,
): Promise<string> {
  const { namespace } = settings
  return await withCluster(settings, context, async (client) => {
    const live = await findPod(namespace, reach, client)
    await removeEnded(namespace, client)
    const container = containerOf(live, reach)
    const own = await ownIdentity(live, container.name, settings, context)
    await client.create(podsIn(namespace), name, await bodyLike(live, container.name, { name, own }, client))
    return container.image
  })
}

interface Wanted {
  readonly name: string
  /** Undefined where the pod says as whom it runs. */
  readonly own: number | undefined
}

async function bodyLike(
  live: Pod,
  container: string,
  { name, own }: Wanted,
  client: KubernetesClient,
): Promise<unknown> {
  const { namespace } = live.metadata
  const body = await client.get(podsIn(namespace), live.metadata.name)
  const { spec } = parsed(likeShape, body, `read Pod ${live.metadata.name}`)
  const like = spec.containers.find((one) => one.name === container)
  const { imagePullSecrets, nodeSelector, tolerations } = spec
  const asOwner = own === undefined ? {} : { runAsUser: own, fsGroup: own }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { [LABEL]: 'true' } },
    spec: {
      ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(tolerations === undefined ? {} : { tolerations }),
      restartPolicy: 'Never',
      // Of a run that died before it joined: nobody would end its input.
      activeDeadlineSeconds: DAY,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { ...spec.securityContext, ...asOwner },
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        {
          name: 'server',
          image: like?.image,
          // Lives as long as its input is open.
          command: ['cat'],
          stdin: true,
          stdinOnce: true,
          ...(like?.securityContext === undefined ? {} : { securityContext: like.securityContext }),
          volumeMounts: [{ name: 'data', mountPath: FOLDER }],
        },
      ],
    },
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

async function untilRunning(settings: KubernetesSettings, name: string, context: Context): Promise<Pod> {
  const deadline = context.clock.monotonic() + START_LIMIT
  for (;;) {
    const pod = await withCluster(settings, context, (client) => readPod(settings.namespace, name, client))
    if (pod?.status.phase === 'Running') return pod
    if (context.clock.monotonic() > deadline || pod?.status.phase === 'Failed')
      throw new Failure(
        'unreachable',
        `the pod of a throw-away server does not start: ${pod === undefined ? name : describePod(pod)}`,
        {
          hint: `Look at it with kubectl describe pod ${name} -n ${settings.namespace}.`,
        },
      )
    await context.clock.sleep(250, context.signal)
  }
}

async function holdInput(settings: KubernetesSettings, name: string, context: Context): Promise<{ close(): void }> {
  const { namespace } = settings
  const query = 'container=server&stdin=true&stdout=true&stderr=false&tty=false'
  const request = {
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${name}/attach?${query}`,
    protocols: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
    act: `join pod ${namespace}/${name}`,
    right: { verb: 'get and create', resource: 'pods/attach', namespace },
    onData: () => undefined,
    onClose: () => undefined,
  }
  return await openChannels(await accessTo(settings, context), request, context)
}

/** Works after a cancellation. */
async function removePod(settings: KubernetesSettings, name: string, context: Context): Promise<void> {
  const afterwards = { ...context, signal: new AbortController().signal }
  await withCluster(settings, afterwards, (client) => client.remove(podsIn(settings.namespace), name))
}

async function removeEnded(namespace: string, client: KubernetesClient): Promise<void> {
  const ended = (await listPods(namespace, `${LABEL}=true`, client)).filter(
    ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed',
  )
  for (const { metadata } of ended) await client.remove(podsIn(namespace), metadata.name)
}
