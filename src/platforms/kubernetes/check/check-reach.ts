import { z } from 'zod'
import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { withCluster } from '../connect.ts'
import { findPod } from '../place/find.ts'
import type { Pod } from '../place/pod.ts'
import { claimsIn } from '../resources.ts'
import { rulesFor } from '../rights/roles.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { asFindings, rightFindings } from './check.ts'

const claimShape = z.object({
  spec: z.object({ volumeName: z.string().nullish(), accessModes: z.array(z.string()).nullish() }),
})
const volumeShape = z.object({ spec: z.object({ persistentVolumeReclaimPolicy: z.string().nullish() }) })

const SUBJECTS = { server: 'pod of the database', files: 'pod of the folder', programs: 'pod of a hook' } as const

/** Whether the pod of a reach is there and may be reached, and what would become of its volumes. Changes nothing. */
export async function checkReach(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  context: Context,
): Promise<readonly Finding[]> {
  return await withCluster(settings, context, async (client) => [
    ...(await rightFindings(rulesFor(settings, [reach], 'backup'), client)),
    ...(await asFindings(SUBJECTS[reach.holds ?? 'server'], context, async () => {
      const pod = await podOf(settings.namespace, reach, client)
      return pod === undefined ? [] : await volumeFindings(pod, client)
    })),
  ])
}

/** Undefined where there is none and none is needed: a helper has volumes without it. */
async function podOf(namespace: string, reach: KubernetesReach, client: KubernetesClient): Promise<Pod | undefined> {
  try {
    return await findPod(namespace, reach, client)
  } catch (error) {
    if (reach.byHelper === true && isFailure(error, 'notFound')) return undefined
    throw error
  }
}

async function volumeFindings(pod: Pod, client: KubernetesClient): Promise<readonly Finding[]> {
  const claims = (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) => claim?.claimName ?? [])
  const found = await Promise.all(claims.map((claim) => claimFindings(claim, pod, client)))
  return found.flat()
}

async function claimFindings(claim: string, pod: Pod, client: KubernetesClient): Promise<readonly Finding[]> {
  const { namespace } = pod.metadata
  const subject = `PersistentVolumeClaim ${namespace}/${claim}`
  try {
    const body = await client.get(claimsIn(namespace), claim)
    if (body === undefined) return []
    const { spec } = parsed(claimShape, body, `read ${subject}`)
    return [
      ...accessFindings(subject, spec.accessModes ?? [], pod),
      ...(await policyFindings(subject, spec.volumeName, client)),
    ]
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    return [{ level: 'untested', subject, message: 'its volume cannot be asked about: the right is missing' }]
  }
}

function accessFindings(subject: string, modes: readonly string[], { spec }: Pod): readonly Finding[] {
  const isBound = modes.some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod')
  if (!isBound || spec.nodeName == null) return []
  return [{ level: 'ok', subject, message: `is ${modes.join(', ')}: only pods on node ${spec.nodeName} can mount it` }]
}

async function policyFindings(
  subject: string,
  volume: string | null | undefined,
  client: KubernetesClient,
): Promise<readonly Finding[]> {
  if (volume == null) return []
  const resource = { api: '/api/v1', kind: 'PersistentVolume', plural: 'persistentvolumes' }
  const body = await client.get(resource, volume)
  const policy =
    body === undefined ? undefined : parsed(volumeShape, body, `read ${volume}`).spec.persistentVolumeReclaimPolicy
  if (policy !== 'Delete') return []
  return [
    {
      level: 'warning',
      subject,
      message: `its volume ${volume} is deleted with it: the reclaim policy is Delete`,
      hint: `Set persistentVolumeReclaimPolicy of the PersistentVolume ${volume} to Retain.`,
    },
  ]
}
