import { after } from 'node:test'
import { until } from './kubernetes-cluster.ts'
import { at, type TestKubernetes } from './kubernetes.ts'

/** A new namespace that enforces the restricted pod standard. Of a cluster that is kept it is removed after the tests. */
export async function restrictedNamespace(kubernetes: TestKubernetes): Promise<string> {
  const name = await kubernetes.namespace()
  // The cluster may be gone by then, with all that is in it.
  after(() => kubernetes.ask('DELETE', `/api/v1/namespaces/${name}`).catch(() => undefined))
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await kubernetes.must('PUT', `/api/v1/namespaces/${name}`, { metadata: { name, labels } })
  await until(`namespace ${name} has its account`, async () => {
    const { status } = await kubernetes.ask('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)
    return status === 200
  })
  return name
}

export interface TestPod {
  readonly image?: string
  readonly command?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly env?: readonly unknown[]
  readonly envFrom?: readonly unknown[]
  /** A PersistentVolumeClaim, mounted at /data. */
  readonly claim?: string
  readonly more?: Readonly<Record<string, unknown>>
}

/** What the restricted standard asks for, and an end without waiting. */
export function podSpec({ image = 'holdfast.test/busybox:1', command, env, envFrom, claim, more }: TestPod) {
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    ...(claim === undefined ? {} : { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] }),
    containers: [
      {
        name: 'main',
        image,
        imagePullPolicy: 'Never',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        ...(command === undefined ? {} : { command }),
        ...(env === undefined ? {} : { env }),
        ...(envFrom === undefined ? {} : { envFrom }),
        ...(claim === undefined ? {} : { volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
        ...more,
      },
    ],
  }
}

/** A pod that runs; gives its uid. */
export async function startPod(
  kubernetes: TestKubernetes,
  namespace: string,
  name: string,
  pod: TestPod = {},
): Promise<string> {
  const place = `/api/v1/namespaces/${namespace}/pods`
  const metadata = { name, labels: pod.labels ?? { app: name } }
  await kubernetes.must('POST', place, { metadata, spec: podSpec(pod) })
  await until(`pod ${name} runs`, async () => {
    const { body } = await kubernetes.ask('GET', `${place}/${name}`)
    const statuses = at(body, 'status', 'containerStatuses')
    return Array.isArray(statuses) && statuses.every((one) => at(one, 'ready') === true)
  })
  return String(at(await kubernetes.must('GET', `${place}/${name}`), 'metadata', 'uid'))
}
