import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { filesDriver } from '../../src/components/files/driver.ts'
import { MemoryArtifacts } from '../../src/components/files/testing/trees.ts'
import { isFailure } from '../../src/core/failure.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { roleObjects, rulesFor } from '../../src/platforms/kubernetes/rights/roles.ts'
import {
  kubernetesFilesReach,
  kubernetesSettings,
  type KubernetesReach,
  type KubernetesSettings,
} from '../../src/platforms/kubernetes/schema.ts'
import { Reached } from '../../src/platforms/reached.ts'
import { processNamed, thisProcess } from '../../src/system/process/this-process.ts'
import { makeContainerApp } from '../e2e/container-app.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { TestObjects } from '../parts/kubernetes-workloads.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

// Volumes are read by a pod of ours, under the restricted pod standard, with nothing but the printed rights.

const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const objects = new TestObjects(kubernetes, namespace)
const BUSYBOX = 'holdfast.test/busybox:1'
const BARE = { image: 'holdfast.test/bare:1', command: ['/sleep', '1000000'] }
const LONG = 'n'.repeat(120)
const FILL = `mkdir -p /data/app/empty; cd /data/app; echo one >one; ln one two; echo long >${LONG}; exec sleep 1000000`
const place = `/api/v1/namespaces/${namespace}/pods`

/** A claim whose volume is a folder of the node, which this machine is. */
async function makeClaim(name: string): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-volume-'))
  after(() => rm(path, { recursive: true, force: true }))
  await chmod(path, 0o777)
  const [volume, size, accessModes] = [`${namespace}-${name}`, { storage: '1Gi' }, ['ReadWriteOnce']]
  after(() => kubernetes.ask('DELETE', `/api/v1/persistentvolumes/${volume}`).catch(() => undefined))
  await kubernetes.must('POST', '/api/v1/persistentvolumes', {
    metadata: { name: volume },
    spec: { capacity: size, accessModes, storageClassName: '', hostPath: { path }, claimRef: { namespace, name } },
  })
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
    metadata: { name },
    spec: { accessModes, storageClassName: '', volumeName: volume, resources: { requests: size } },
  })
}

const base = { kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig }
const whole = kubernetesSettings.parse(base)
const reachOf = (of: object): KubernetesReach => kubernetesFilesReach.parse({ kind: 'kubernetes', ...of })

/** The login of an account that may do what is printed for a backup of this folder. */
async function limited(reach: KubernetesReach, byHelper = true): Promise<KubernetesSettings> {
  const [role] = roleObjects(rulesFor(whole, [{ ...reach, byHelper }], 'backup'), 'backup', { namespace, name: 'none' })
  return { ...whole, kubeconfig: await kubernetes.kubeconfigWith(namespace, role) }
}

interface Wanted {
  readonly path?: string
  readonly helperImage?: string
  readonly platform?: KubernetesSettings
}

async function capture(of: object, { path = '/data/app', helperImage, platform }: Wanted = {}) {
  const reach = reachOf(of)
  const through = new Reached(kubernetesPlatform.inside, platform ?? (await limited(reach)), reach, context)
  const given = { kind: 'files', path, reach: { kind: 'kubernetes', ...of }, via: 'helper', helperImage }
  const settings = { ...filesDriver.settings.parse(given), through }
  const artifacts = new MemoryArtifacts()
  try {
    const { details } = await filesDriver.capture(settings, artifacts, context)
    await filesDriver.examine(details, artifacts, context)
    assert.equal(details.via, 'helper')
    const entries = artifacts.get('entries').toString().trim().split('\n')
    return { settings, names: entries.map((line) => /"path":"([^"]*)"/.exec(line)?.[1]) }
  } finally {
    await through.close()
  }
}

async function assertNothingLeft(): Promise<void> {
  // A pod that was removed is listed until the kubelet has let it go.
  await until('no pod of ours is left', async () => {
    const left = at(await kubernetes.must('GET', `${place}?labelSelector=holdfast-throw-away`), 'items')
    return Array.isArray(left) && left.length === 0
  })
}

const NAMES = ['.', 'empty', LONG, 'one', 'two']
const refusal = (kind: 'unsupported' | 'notFound' | 'denied' | 'unreachable', message: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, kind), String(error))
  assert.match(error.message, message)
  assert.ok(error.hint !== undefined)
  return true
}

for (const name of ['data', 'data-db-0']) await makeClaim(name)
before(async () => {
  await startPod(kubernetes, namespace, 'fill', { claim: 'data', command: ['sh', '-c', FILL] })
  await startPod(kubernetes, namespace, 'bare', { ...BARE, claim: 'data' })
})

test('of a pod whose image has no shell, beside it on its node', async () => {
  const { names, settings } = await capture({ pod: 'bare' }, { helperImage: BUSYBOX })
  assert.deepEqual(names, NAMES)
  const [finding] = await filesDriver.check(settings, context)
  assert.match(finding?.message ?? '', /by the tar of busybox of a helper with image holdfast.test\/busybox:1/)
  await assertNothingLeft()
})

describe('of pods that are not there', () => {
  test('by the claims of their StatefulSet, named in every way, and by the whole command', async (t) => {
    const { volumes: _none, ...spec } = podSpec({ claim: 'data', command: ['sh', '-c', FILL] })
    const labels = { app: 'db' }
    await objects.create('StatefulSet', 'db', {
      replicas: 1,
      serviceName: 'db',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    })
    const pods = async (): Promise<number> => {
      const items = at(await kubernetes.must('GET', `${place}?labelSelector=app%3Ddb`), 'items')
      return Array.isArray(items) ? items.filter((one) => at(one, 'status', 'phase') === 'Running').length : -1
    }
    await until('db runs', async () => (await pods()) === 1)
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: 'db' },
      spec: { clusterIP: 'None', selector: labels },
    })
    await objects.change('StatefulSet', 'db', (object: { spec: { replicas: number } }) => {
      object.spec.replicas = 0
    })
    await until('db is gone', async () => (await kubernetes.ask('GET', `${place}/db-0`)).status === 404)
    for (const way of [{ statefulSet: 'db' }, { pod: 'db-0' }, { selector: 'app=db' }, { service: 'db' }])
      assert.deepEqual((await capture(way)).names, NAMES)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-helper-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const reach = { kind: 'kubernetes', statefulSet: 'db' }
    const components = { files: { kind: 'files', path: '/data/app', reach, via: 'helper' } }
    const { kubeconfig } = await limited(reachOf({ statefulSet: 'db' }))
    const { run } = await makeContainerApp(folder, { platform: { ...base, kubeconfig }, components })
    const checked = await run('check')
    assert.equal(checked.code, 0, checked.error + checked.out)
    assert.match(checked.out, /rights in the cluster: all that is needed/)
    const rights = await run('rights', 'kubernetes', 'backup', 'portal')
    assert.match(rights.out, /statefulsets[^]*pods\/attach/)
    const backup = await run('backup', 'portal')
    assert.equal(backup.code, 0, backup.error + backup.out)
    await assertNothingLeft()
  })

  test('and a Deployment without replicas, by its labels', async () => {
    await objects.create('Deployment', 'web', {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: podSpec({ ...BARE, claim: 'data' }) },
    })
    assert.deepEqual((await capture({ selector: 'app=web' }, { helperImage: BUSYBOX })).names, NAMES)
  })
})

test('a pod of ours whose process died is removed by the next, and one that may live is not', async () => {
  const [boot, own] = processNamed(await thisProcess())
  const owners = {
    'holdfast-throw-away-dead': [boot, own, '4194304', '1', 'throw-away', hostname()],
    'holdfast-throw-away-elsewhere': ['b', 'n', '1', '1', 'x', 'y'],
  }
  for (const [name, owner] of Object.entries(owners)) {
    const metadata = {
      name,
      labels: { 'holdfast-throw-away': 'true' },
      annotations: { 'holdfast/owner': JSON.stringify(owner) },
    }
    await kubernetes.must('POST', place, { metadata, spec: podSpec({}) })
  }
  await capture({ pod: 'fill' })
  await until(
    'the dead is gone',
    async () => (await kubernetes.ask('GET', `${place}/holdfast-throw-away-dead`)).status === 404,
  )
  assert.equal((await kubernetes.ask('GET', `${place}/holdfast-throw-away-elsewhere`)).status, 200)
  await kubernetes.must('DELETE', `${place}/holdfast-throw-away-elsewhere`)
})

test('what no pod of ours can read is one clear error, and nothing is left', async () => {
  const scratch = { volumes: [{ name: 'scratch', emptyDir: {} }] }
  const spec = { ...podSpec({ more: { volumeMounts: [{ name: 'scratch', mountPath: '/data' }] } }), ...scratch }
  await kubernetes.must('POST', place, { metadata: { name: 'scratch' }, spec })
  const noHelper = (text: string): RegExp => new RegExp(`no helper reads folder .*${text}`)
  await assert.rejects(capture({ pod: 'scratch' }), refusal('unsupported', noHelper('lies on emptyDir scratch')))
  await assert.rejects(
    capture({ pod: 'fill' }, { path: '/tmp/app' }),
    refusal('unsupported', noHelper('lies on no volume of container main of fill')),
  )
  await assert.rejects(
    capture({ pod: 'gone-0' }),
    refusal('notFound', noHelper('no pod in namespace .* is pod gone-0')),
  )
  await assert.rejects(capture({ pod: 'bare' }), refusal('unreachable', noHelper('does not start.*StartError')))
  await assert.rejects(
    capture({ pod: 'fill' }, { helperImage: 'none.invalid/none:1' }),
    refusal('unreachable', noHelper('does not start.*ImagePullBackOff')),
  )
  const platform = await limited(reachOf({ pod: 'fill' }), false)
  await assert.rejects(capture({ pod: 'fill' }, { platform }), refusal('denied', noHelper('right to .* pods')))
  await assertNothingLeft()
})
