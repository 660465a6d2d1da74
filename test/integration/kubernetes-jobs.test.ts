import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesPlatform as platform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesSettings, type KubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { startCluster } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace } from '../parts/kubernetes-pods.ts'
import { TestObjects } from '../parts/kubernetes-workloads.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const namespace = await restrictedNamespace(kubernetes)
const objects = new TestObjects(kubernetes, namespace)
const context = testContext()
const { kubeconfig } = kubernetes

function pausing(selection: object, limitSeconds: number): KubernetesSettings {
  const base = { kind: 'kubernetes', namespace, kubeconfig, limitSeconds }
  return kubernetesSettings.parse({ ...base, pauses: [{ kind: 'Job', ...selection }] })
}
const named = (name: string): string => `Job/${namespace}/${name}`

test('a job of nobody is waited for, then refused, and never deleted; none is no error', async () => {
  const template = (command: readonly string[]): object => ({
    template: { metadata: { labels: { app: 'job' } }, spec: { ...podSpec({ command }), restartPolicy: 'Never' } },
  })
  const all = (limitSeconds: number): KubernetesSettings => pausing({ selector: 'app=setup' }, limitSeconds)
  assert.deepEqual(await platform.running(all(1), context), [])
  assert.deepEqual(await platform.running(pausing({ name: 'gone' }, 1), context), [])
  const labels = { app: 'setup' }
  await objects.create('Job', 'long', template(['sleep', '600']), { labels })
  assert.deepEqual(await platform.running(all(1), context), [named('long')])
  assert.deepEqual(await platform.comeBackTo?.(all(1), [named('long')], context), ['nothing, it is waited for'])
  await assert.rejects(platform.pause(all(1), named('long'), context), {
    kind: 'refused',
    message: /after 1 s Job\/.*\/long still runs/,
  })
  assert.equal(at(await objects.read('Job', 'long'), 'metadata', 'deletionTimestamp'), undefined)
  await objects.create('Job', 'short', template(['sleep', '2']), { labels })
  await platform.pause(all(60), named('short'), context)
  await platform.resume(all(60), named('short'), context)
  await platform.pause(all(1), named('gone'), context)
  assert.deepEqual(await platform.running(all(1), context), [named('long')])
})
