import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { randomHex } from '../../../system/random.ts'
import { isOwnerGone, throwAwayOwner } from '../../throw-away-owner.ts'
import type { Spawned } from '../../through.ts'
import type { KubernetesClient } from '../client.ts'
import { accessTo, withCluster } from '../connect.ts'
import { podsIn } from '../resources.ts'
import type { KubernetesSettings } from '../schema.ts'
import { openChannels } from '../streams/channel-socket.ts'
import { describePod, listPods, readPod, type Pod } from './pod.ts'
import { PodPlace } from './pod-place.ts'

/** Throw-away pods have this label. One that has ended is of nobody, nor is one whose owner has died. */
const LABEL = 'holdfast-throw-away'
const OWNER = 'holdfast/owner'
const NAME = 'holdfast-throw-away-'
const FOLDER = '/holdfast'
const START_LIMIT = 120_000
const DAY = 86_400
/** For these the kubelet waits without end. */
const HOPELESS = ['ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError']

export const identityShape = z
  .looseObject({ runAsUser: z.number().optional(), fsGroup: z.number().optional() })
  .optional()

/** What a throw-away pod takes over from the pod of an app. */
export const likeSpec = z.object({
  securityContext: identityShape,
  imagePullSecrets: z.array(z.unknown()).optional(),
  nodeSelector: z.unknown().optional(),
  tolerations: z.array(z.unknown()).optional(),
})

export interface PodLike {
  readonly image: string
  readonly like: z.infer<typeof likeSpec>
  /** Beside `like`: of the pod, and of its one container. */
  readonly more: { readonly pod?: object; readonly container?: object }
  readonly volumes?: readonly PodVolume[]
}

export interface PodVolume {
  readonly volume: object
  readonly mounts: readonly object[]
}

/**
 * A pod without variables and service account. It ends when its input does, which is when we do. `make` may ask what it is to
 * be like. What earlier runs left behind is removed first.
 */
export async function startThrowAwayPod(
  settings: KubernetesSettings,
  make: (client: KubernetesClient) => Promise<PodLike>,
  context: Context,
): Promise<Spawned> {
  const { namespace } = settings
  const name = `${NAME}${randomHex(6)}`
  const remove = (): Promise<void> => removePod(settings, name, context)
  try {
    const image = await withCluster(settings, context, async (client) => {
      const wanted = await make(client)
      await removeLeft(namespace, client)
      await client.create(podsIn(namespace), name, bodyOf(wanted, { name, namespace, owner: await throwAwayOwner() }))
      return wanted.image
    })
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

function bodyOf(
  { image, like, more, volumes = [] }: PodLike,
  { name, namespace, owner }: { readonly name: string; readonly namespace: string; readonly owner: string },
): unknown {
  const { imagePullSecrets, nodeSelector, tolerations, securityContext = {} } = like
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { [LABEL]: 'true' }, annotations: { [OWNER]: owner } },
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
      securityContext,
      ...more.pod,
      volumes: [{ name: 'holdfast', emptyDir: {} }, ...volumes.map(({ volume }) => volume)],
      containers: [
        {
          name: 'server',
          image,
          // Lives as long as its input is open.
          command: ['cat'],
          stdin: true,
          stdinOnce: true,
          ...more.container,
          volumeMounts: [{ name: 'holdfast', mountPath: FOLDER }, ...volumes.flatMap(({ mounts }) => mounts)],
        },
      ],
    },
  }
}

async function untilRunning(settings: KubernetesSettings, name: string, context: Context): Promise<Pod> {
  const deadline = context.clock.monotonic() + START_LIMIT
  for (;;) {
    const pod = await withCluster(settings, context, (client) => readPod(settings.namespace, name, client))
    if (pod?.status.phase === 'Running') return pod
    if (context.clock.monotonic() > deadline || (pod !== undefined && cannotStart(pod)))
      throw new Failure(
        'unreachable',
        `the throw-away pod does not start: ${pod === undefined ? name : describePod(pod)}${unscheduled(pod)}`,
        {
          hint: `Look at it with kubectl get events -n ${settings.namespace}, and whether its image is there.`,
        },
      )
    await context.clock.sleep(250, context.signal)
  }
}

function cannotStart({ status }: Pod): boolean {
  const reasons = (status.containerStatuses ?? []).map(({ state }) => state?.waiting?.reason ?? '')
  return status.phase === 'Failed' || reasons.some((reason) => HOPELESS.includes(reason))
}

/** Why no node takes it: for example because its volume is in use on another. */
function unscheduled(pod: Pod | undefined): string {
  const found = pod?.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  return found?.message == null ? '' : `: ${found.message}`
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

async function removeLeft(namespace: string, client: KubernetesClient): Promise<void> {
  for (const { status, metadata } of await listPods(namespace, `${LABEL}=true`, client)) {
    const hasEnded = status.phase === 'Succeeded' || status.phase === 'Failed'
    // A copy that somebody made of one has its label, and another name.
    if (!metadata.name.startsWith(NAME)) continue
    if (hasEnded || (await isOwnerGone(metadata.annotations?.[OWNER])))
      await client.remove(podsIn(namespace), metadata.name)
  }
}
