import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RestoreTarget } from '../../src/components/target.ts'
import { kubernetesSecretsDriver as driver } from '../../src/components/kubernetes-secrets/driver.ts'
import type {
  KubernetesSecretsDetails,
  KubernetesSecretsSettings,
} from '../../src/components/kubernetes-secrets/schema.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64, capturePoint } from '../parts/kubernetes-points.ts'
import type { KubernetesPoint } from '../parts/kubernetes-points.ts'
import { testContext } from '../parts/postgres.ts'

const kubernetes = await startKubernetes()
const context = testContext()
const secretPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`
const open = (
  settings: KubernetesSecretsSettings,
  mode: 'swap' | 'in-place',
): Promise<RestoreTarget<KubernetesSecretsDetails>> => driver.open(settings, { mode, restoreId: '0a1b2c3d' }, context)

interface World {
  readonly namespace: string
  readonly settings: KubernetesSecretsSettings
  readonly point: KubernetesPoint
}

/** Of what was captured `a` is changed, `b` is gone, and `c` is immutable and another. */
async function fresh(): Promise<World> {
  const namespace = await kubernetes.namespace()
  const make = (name: string, text: string): Promise<unknown> =>
    kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name, labels: { app: 'one' } },
      immutable: name === 'c',
      data: { key: base64(text) },
    })
  for (const name of ['a', 'b', 'c']) await make(name, 'captured')
  const settings = kubernetes.settings(namespace, { secrets: ['a', 'b', 'c'] })
  const point = await capturePoint(settings)
  for (const name of ['a', 'b', 'c']) await kubernetes.must('DELETE', secretPath(namespace, name))
  for (const name of ['a', 'c']) await make(name, 'live')
  return { namespace, settings, point }
}

async function live(namespace: string): Promise<unknown> {
  const list = await kubernetes.must('GET', `/api/v1/namespaces/${namespace}/secrets`)
  const items = at(list, 'items') as readonly unknown[]
  const values = items.map((item) => [String(at(item, 'metadata', 'name')), at(item, 'data', 'key')] as const)
  return Object.fromEntries(values.filter(([name]) => !name.startsWith('kube-')))
}

/** Each way to restore is refused with this, and nothing at all is changed or left. */
async function assertRefused({ namespace, settings, point }: World, message: RegExp): Promise<void> {
  const before = await live(namespace)
  for (const mode of ['in-place', 'swap'] as const) {
    const target = await open(settings, mode)
    await assert.rejects(
      async () => {
        await target.load(point.details, point.source, context)
        await target.swap(point.details, context)
      },
      { kind: 'refused', message },
      mode,
    )
    await target.discard(context)
    assert.deepEqual(await live(namespace), before, mode)
  }
}

test('a namespace that is being deleted is refused before anything is changed', async () => {
  const world = await fresh()
  await kubernetes.must('DELETE', `/api/v1/namespaces/${world.namespace}`)
  await assertRefused(world, /namespace .*is being deleted/)
  const target = await open(world.settings, 'swap')
  const errors = (await target.preflight(world.point.details, context)).filter(({ level }) => level === 'error')
  assert.deepEqual([errors.length, /is being deleted/.test(errors[0]?.message ?? '')], [1, true])
})

test('what a quota refuses is refused before anything is changed', async () => {
  const world = await fresh()
  const quotas = `/api/v1/namespaces/${world.namespace}/resourcequotas`
  const hard = { 'count/secrets': '2' }
  const made = await kubernetes.must('POST', quotas, { metadata: { name: 'few' }, spec: { hard } })
  await kubernetes.must('PUT', `${quotas}/few/status`, { ...(made as object), status: { hard, used: hard } })
  await assertRefused(world, /quota/)
})

test('what an admission rule refuses is refused by its name before anything is changed', async () => {
  const world = await fresh()
  const api = '/apis/admissionregistration.k8s.io/v1'
  const name = `no-b-${world.namespace}`
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }
  await kubernetes.must('POST', `${api}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: "object.metadata.name != 'b'" }],
    },
  })
  await kubernetes.must('POST', `${api}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': world.namespace } } },
    },
  })
  const probe = { metadata: { name: 'b' } }
  const path = `/api/v1/namespaces/${world.namespace}/secrets?dryRun=All`
  while ((await kubernetes.ask('POST', path, probe)).status === 201) await context.clock.sleep(200, context.signal)
  await assertRefused(world, new RegExp(`create Secret b .*${name}`))
})

test('what a restore keeps for undo stays while an object of it is being deleted', async () => {
  const { namespace, settings, point } = await fresh()
  const target = await open(settings, 'swap')
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  const now = (await kubernetes.must('GET', secretPath(namespace, 'c'))) as { readonly metadata: object }
  const metadata = { ...now.metadata, finalizers: ['example.org/keep'] }
  await kubernetes.must('PUT', secretPath(namespace, 'c'), { ...now, metadata })
  await kubernetes.must('DELETE', secretPath(namespace, 'c'))
  await assert.rejects(target.forget(context), { kind: 'locked', message: /Secret c is being deleted/ })
  await assert.rejects(target.undo(context), { kind: 'locked', message: /Secret c is being deleted/ })
  const going = (await kubernetes.must('GET', secretPath(namespace, 'c'))) as { readonly metadata: object }
  await kubernetes.must('PUT', secretPath(namespace, 'c'), {
    ...going,
    metadata: { ...going.metadata, finalizers: [] },
  })
  await target.undo(context)
  const { a, c } = (await live(namespace)) as Record<string, unknown>
  assert.deepEqual([a, c], [base64('live'), base64('live')])
  await target.forget(context)
})

test('labels, annotations, owners and writers that the point does not hold stay, also when the restore dies in between', async () => {
  const { namespace, settings, point } = await fresh()
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'own', uid: '3b241101-e2bb-4255-8caf-4136c566a962' }
  const others = {
    labels: { app: 'two', team: 'blue' },
    annotations: { 'example.org/other': 'kept' },
    ownerReferences: [owner],
  }
  for (const name of ['a', 'c']) {
    await kubernetes.must('DELETE', secretPath(namespace, name))
    const body = { metadata: { name, ...others }, immutable: name === 'c', data: { key: base64('live') } }
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets?fieldManager=somebody`, body)
  }
  const overwriting = { ...settings, managed: 'overwrite' as const }
  const first = await open(overwriting, 'swap')
  await first.load(point.details, point.source, context)
  const dying = testContext({
    effects: {
      run: async (name, act) => {
        const result = await act()
        if (name.includes('delete an object that cannot be changed')) throw new Error('died')
        return result
      },
    },
  })
  await assert.rejects(first.swap(point.details, dying), /died/)
  assert.equal((await kubernetes.ask('GET', secretPath(namespace, 'c'))).status, 404)
  const target = await open(overwriting, 'swap')
  await target.swap(point.details, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  for (const name of ['a', 'c']) {
    const now = await kubernetes.must('GET', secretPath(namespace, name))
    assert.deepEqual(at(now, 'data', 'key'), base64('captured'))
    assert.deepEqual(at(now, 'metadata', 'labels'), { app: 'one', team: 'blue' })
    assert.deepEqual(at(now, 'metadata', 'annotations'), others.annotations)
    assert.deepEqual(at(now, 'metadata', 'ownerReferences'), [owner])
    const managers = (at(now, 'metadata', 'managedFields') as readonly unknown[]).map((one) => at(one, 'manager'))
    // The server takes none for an object that is made.
    assert.equal(managers.includes('somebody'), name === 'a')
  }
  await target.undo(context)
  for (const name of ['a', 'c']) {
    const now = await kubernetes.must('GET', secretPath(namespace, name))
    assert.deepEqual(at(now, 'data', 'key'), base64('live'))
    assert.deepEqual(at(now, 'metadata', 'labels'), others.labels)
    assert.deepEqual(at(now, 'metadata', 'ownerReferences'), [owner])
  }
})
