import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesDriver } from '../../src/components/files/driver.ts'
import { MemoryArtifacts } from '../../src/components/files/testing/trees.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesFilesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { Reached } from '../../src/platforms/reached.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { testContext } from '../parts/postgres.ts'

// A folder in a pod is read by the tar of its container, under the restricted pod standard.

const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const platform = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig })
const FILL = 'mkdir -p /tmp/app/empty; cd /tmp/app; echo one >one; ln one two; echo dash >./-rf; ln -s /etc out'

for (const name of ['debian', 'busybox'] as const)
  test(`of an image like ${name}`, async () => {
    const command = ['sh', '-c', `${FILL}; exec sleep 1000000`]
    await startPod(kubernetes, namespace, name, { image: `holdfast.test/${name}:1`, command })
    const reach = kubernetesFilesReach.parse({ kind: 'kubernetes', pod: name })
    const through = new Reached(kubernetesPlatform.inside, platform, reach, context)
    const parsed = filesDriver.settings.parse({
      kind: 'files',
      path: '/tmp/app',
      reach: { kind: 'kubernetes', pod: name },
    })
    const settings = { ...parsed, through }
    const isThere = async () => (await filesDriver.check(settings, context)).every(({ level }) => level === 'warning')
    await until('the folder is there', isThere)
    const artifacts = new MemoryArtifacts()
    const { details, notCaptured } = await filesDriver.capture(settings, artifacts, context)
    assert.equal(details.via, 'tar')
    const entries = artifacts.get('entries').toString().trim().split('\n')
    const names = entries.map((line) => /"path":"([^"]*)"/.exec(line)?.[1])
    assert.deepEqual(names, ['.', '-rf', 'empty', 'one', 'out', 'two'])
    assert.match(entries[5] ?? '', /"type":"link","target":"one"/)
    // The image like Debian has the tar of BusyBox, too.
    assert.match(notCaptured.join('\n'), /whole seconds/)
    await filesDriver.examine(details, artifacts, context)
    await through.close()
  })
