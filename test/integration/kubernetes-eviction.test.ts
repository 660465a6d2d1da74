import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesDriver } from '../../src/components/files/driver.ts'
import { MemoryArtifacts } from '../../src/components/files/testing/trees.ts'
import { isFailure } from '../../src/core/failure.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesFilesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { Reached } from '../../src/platforms/reached.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace } from '../parts/kubernetes-pods.ts'
import { TestObjects } from '../parts/kubernetes-workloads.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const objects = new TestObjects(kubernetes, namespace)

/** As who drains a node does; the pod has 5 seconds to end. */
async function evict(name: string): Promise<void> {
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { gracePeriodSeconds: 5 },
  })
}

const FILL = 'mkdir -p /tmp/app; echo one >/tmp/app/one'

test('a pod that is evicted once a run has found it: the error is the eviction, and the next run is whole', async () => {
  const labels = { app: 'store' }
  const command = ['sh', '-c', `trap '' TERM; ${FILL}; while :; do sleep 1; done`]
  await objects.create('Deployment', 'store', {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec({ command }) },
  })
  const isReady = async (): Promise<boolean> =>
    at(await objects.read('Deployment', 'store'), 'status', 'readyReplicas') === 1
  await until('it runs', isReady)
  const before = await objects.read('Deployment', 'store')
  const platform = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig })
  const reach = kubernetesFilesReach.parse({ kind: 'kubernetes', selector: 'app=store' })
  const through = new Reached(kubernetesPlatform.inside, platform, reach, context)
  const parsed = filesDriver.settings.parse({
    kind: 'files',
    path: '/tmp/app',
    reach: { kind: 'kubernetes', selector: 'app=store' },
  })
  const settings = { ...parsed, through }
  const pod = (await objects.list('Pod')).find((one) => at(one, 'metadata', 'labels', 'app') === 'store')
  const first = String(at(pod, 'metadata', 'name'))
  // Found and pinned before, as by the acts of a backup that came earlier.
  await through.variable('PATH', context)
  await evict(first)
  await assert.rejects(filesDriver.capture(settings, new MemoryArtifacts(), context), (error: unknown) => {
    assert.ok(isFailure(error, 'unreachable'), String(error))
    assert.match(
      error.message,
      new RegExp(`pod ${namespace}/${first}, .* is evicted from its node \\(EvictionByEvictionAPI\\)`),
    )
    return true
  })
  await through.close()
  await until('another pod took its place', async () => {
    const pods = await objects.list('Pod')
    return (await isReady()) && pods.length === 1 && at(pods[0], 'metadata', 'name') !== first
  })
  const artifacts = new MemoryArtifacts()
  await filesDriver.capture(settings, artifacts, context)
  assert.match(artifacts.get('entries').toString(), /"path":"one"/)
  const after = await objects.read('Deployment', 'store')
  assert.deepEqual(at(after, 'spec'), at(before, 'spec'))
  await through.close()
})
