import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { mountsAround } from '../../mounts-around.ts'
import type { Spawned, VolumesWanted } from '../../through.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { podsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { containerOf, findPod } from './find.ts'
import { startThrowAwayPod, type PodLike, type PodVolume } from './throw-away-pod.ts'
import { volumesShape, type VolumeMount, type VolumeSource } from './volume-source.ts'
import { templateOf } from './workload-template.ts'

/**
 * A pod with the volumes on which a path lies, read-only, at the same places, and with the security context of the container that
 * has them. It runs on the node of the live pod, as a ReadWriteOnce volume is on no other. Where no pod is there, the volumes
 * are those of the template of its workload.
 */
export function spawnWithVolumes(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  wanted: VolumesWanted,
  context: Context,
): Promise<Spawned> {
  return startThrowAwayPod(
    settings,
    async (client) => likeSource(await sourceOf(settings.namespace, reach, client), reach, wanted),
    context,
  )
}

async function sourceOf(namespace: string, reach: KubernetesReach, client: KubernetesClient): Promise<VolumeSource> {
  try {
    const { metadata } = await findPod(namespace, reach, client)
    const body = await client.get(podsIn(namespace), metadata.name)
    return { metadata, spec: parsed(volumesShape, body, `read Pod ${metadata.name}`) }
  } catch (error) {
    const template = isFailure(error, 'notFound') ? await templateOf(namespace, reach, client) : undefined
    if (template === undefined) throw error
    return template
  }
}

function likeSource(source: VolumeSource, reach: KubernetesReach, { path, image }: VolumesWanted): PodLike {
  const { spec, metadata } = source
  const container = containerOf(source, reach)
  const { securityContext, volumeMounts } = container
  const name = `container ${container.name} of ${metadata.name}`
  const { on, inner } = mountsAround(path, volumeMounts ?? [], ({ mountPath }) => mountPath)
  if (on === undefined) throw refused(`${path} lies on no volume of ${name}`)
  const ofClaims = inner.filter(({ name: volume }) => volumeOf(volume, source)['persistentVolumeClaim'] != null)
  return {
    image: image ?? container.image,
    like: spec,
    more: {
      pod: spec.nodeName == null ? {} : { affinity: onNode(spec.nodeName) },
      container: {
        // An image that somebody named is pulled by the node where it has none, as that of any pod.
        imagePullPolicy: 'IfNotPresent',
        ...(securityContext === undefined ? {} : { securityContext }),
      },
    },
    volumes: mounted([on, ...ofClaims], source, `${path} of ${name}`),
  }
}

/** Each volume once, however often it is mounted. */
function mounted(mounts: readonly VolumeMount[], source: VolumeSource, what: string): PodVolume[] {
  return [...new Set(mounts.map(({ name }) => name))].map((name) => {
    const volume = volumeOf(name, source)
    // Another pod would get another, which is empty.
    for (const kind of ['emptyDir', 'ephemeral'])
      if (volume[kind] != null) throw refused(`${what} lies on ${kind} ${name}, which its pod alone has`)
    const own = mounts.filter((mount) => mount.name === name)
    return { volume, mounts: own.map((mount) => readOnly(mount, what)) }
  })
}

function readOnly({ name, mountPath, subPath, subPathExpr }: VolumeMount, what: string): object {
  if (subPathExpr != null) throw refused(`${what} lies on volume ${name} with subPathExpr ${subPathExpr}`)
  return { name, mountPath, readOnly: true, ...(subPath == null ? {} : { subPath }) }
}

function volumeOf(name: string, { spec }: VolumeSource): Readonly<Record<string, unknown>> {
  return (spec.volumes ?? []).find((volume) => volume.name === name) ?? { name }
}

/** By the scheduler, so that quotas and taints hold. */
function onNode(node: string): object {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }]
  const required = { nodeSelectorTerms: [{ matchFields }] }
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
}

function refused(message: string): Failure {
  return new Failure('unsupported', message, {
    hint: 'Name a folder that lies on a PersistentVolumeClaim, or write via: tar.',
  })
}
