import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { isFailure, type FailureKind } from '../../src/core/failure.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import { placeContract } from '../../src/platforms/testing/place-contract.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const pods = `/api/v1/namespaces/${namespace}/pods`
const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig })

function find(reach: Readonly<Record<string, unknown>>, over = settings): Promise<Place> {
  return kubernetesPlatform.inside.find(over, kubernetesReach.parse({ kind: 'kubernetes', ...reach }), context)
}

async function remove(name: string): Promise<void> {
  await kubernetes.ask('DELETE', `${pods}/${name}?gracePeriodSeconds=0`)
  await until(`pod ${name} is gone`, async () => (await kubernetes.ask('GET', `${pods}/${name}`)).status === 404)
}

const DEBIAN = 'holdfast.test/debian:1'
const ECHO = 'for port in 5432 5434; do nc -ll -p $port -e cat & done; wait'
const ODD_VALUE = 'two\nlines, "quotes" and a=b'
placeContract('a pod of Kubernetes', async () => {
  await startPod(kubernetes, namespace, 'contract', { image: DEBIAN, env: [{ name: 'ODD', value: ODD_VALUE }] })
  let made = 0
  return {
    place: await find({ pod: 'contract' }),
    variable: { name: 'ODD', value: ODD_VALUE },
    removable: async () => {
      const name = `removable-${(made += 1)}`
      await startPod(kubernetes, namespace, name, { image: DEBIAN })
      return { place: await find({ pod: name }), remove: () => remove(name) }
    },
  }
})

const fails = (kind: FailureKind, pattern: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, kind), String(error))
  assert.match(error.message, pattern)
  return true
}

describe('a pod is reached', () => {
  test('by its own address and by port-forward; a port without a server is unreachable', async () => {
    await startPod(kubernetes, namespace, 'echo', { command: ['sh', '-c', ECHO] })
    const place = await find({ pod: 'echo' })
    const [address] = await place.addresses(5432, context)
    assert.match(address?.host ?? '', /^10\.88\./)
    assert.equal(address?.port, 5432)
    const streams = await Promise.all([5432, 5434].map(async (port) => place.forward?.(port, context)))
    for (const [index, stream] of streams.entries()) {
      assert.ok(stream !== undefined)
      stream.write(`hello ${index}`)
      assert.equal(String(await once(stream, 'data').then(([chunk]: unknown[]) => chunk)), `hello ${index}`)
    }
    for (const stream of streams) stream?.destroy()
    const closed = await place.forward?.(5433, context)
    assert.ok(closed !== undefined)
    await assert.rejects(text(closed), fails('unreachable', /port 5433 of pod .* failed: .*refused/))
  })

  test('and its successor of the same name is not', async () => {
    await startPod(kubernetes, namespace, 'pinned')
    const place = await find({ pod: 'pinned' })
    await remove('pinned')
    await startPod(kubernetes, namespace, 'pinned')
    const replaced = fails('unreachable', /pod .*\/pinned, container main was replaced by another pod of this name/)
    await assert.rejects(place.start(['cat'], context), replaced)
    await assert.rejects(place.forward?.(5432, context) ?? Promise.resolve(), replaced)
    await assert.rejects(place.variable('PATH', context), replaced)
  })

  test('with one container of several by its name, and in an image without a shell programs are not found', async () => {
    const spec = podSpec({ image: 'holdfast.test/bare:1' })
    const [main] = spec.containers
    await kubernetes.must('POST', pods, {
      metadata: { name: 'two' },
      spec: { ...spec, containers: [main, { ...main, name: 'beside', image: 'holdfast.test/busybox:1' }] },
    })
    await until(
      'both run',
      async () => (await find({ pod: 'two', container: 'main' }).catch(() => undefined)) !== undefined,
    )
    await assert.rejects(find({ pod: 'two' }), fails('refused', /has several containers: main, beside/))
    await assert.rejects(
      find({ pod: 'two', container: 'other' }),
      fails('notFound', /has no container other: main, beside/),
    )
    const bare = await find({ pod: 'two', container: 'main' })
    await assert.rejects(bare.start(['sh', '-c', 'true'], context), fails('notFound', /start sh in pod .*\/two/))
    assert.equal(await bare.variable('ANY', context), undefined)
  })
})

describe('a variable is read', () => {
  const variables = async (place: Place, ...names: readonly string[]): Promise<unknown> =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await place.variable(name, context)])))
  const expected = {
    PLAIN: 'v',
    SECRET: 'canary',
    MAPPED: 'm',
    PRE_one: '1',
    REFERS: 'to v',
    OF_IMAGE: 'from the image',
    PASSWORD: 'of a file',
  }

  test('from the specification, from Secrets and ConfigMaps, from a file, and from the image', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: 's' },
      data: { key: base64('canary') },
    })
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: 'c' },
      data: { key: 'm', one: '1', PLAIN: 'x' },
    })
    await startPod(kubernetes, namespace, 'variables', {
      env: [
        { name: 'PLAIN', value: 'v' },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
        { name: 'MAPPED', valueFrom: { configMapKeyRef: { name: 'c', key: 'key' } } },
        { name: 'REFERS', value: 'to $(PLAIN)' },
        { name: 'PASSWORD_FILE', value: '/dev/shm/password' },
      ],
      envFrom: [{ prefix: 'PRE_', configMapRef: { name: 'c' } }, { configMapRef: { name: 'c' } }],
      more: { command: ['sh', '-c', 'echo "of a file" > /dev/shm/password; exec sleep 1000000'] },
    })
    assert.deepEqual(await variables(await find({ pod: 'variables' }), ...Object.keys(expected)), expected)
  })

  test('by a program inside where Secrets may not be read', async () => {
    const rules = [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    ]
    const kubeconfig = await kubernetes.kubeconfigWith(namespace, { rules })
    const place = await find({ pod: 'variables' }, { ...settings, kubeconfig })
    assert.deepEqual(await variables(place, ...Object.keys(expected)), expected)
    await assert.rejects(
      place.forward?.(5432, context) ?? Promise.resolve(),
      fails('denied', /the right to get and create pods\/portforward in namespace .* is missing/),
    )
  })
})

describe('the pod is found', () => {
  const database = { app: 'db', 'cluster-name': 'z', application: 'spilo', 'spilo-role': 'master' }

  test('by labels, a Service, the primary of an operator; none and two list what was found', async () => {
    await startPod(kubernetes, namespace, 'db-0', { labels: database })
    await startPod(kubernetes, namespace, 'db-1', { labels: { ...database, 'spilo-role': 'replica' } })
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: 'db-rw' },
      spec: { selector: { 'spilo-role': 'master' }, ports: [{ port: 5432 }] },
    })
    const [container, service] = [{ container: 'main' }, { service: 'db-rw' }]
    for (const reach of [
      { selector: 'spilo-role=master' },
      service,
      { cluster: { operator: 'zalando', name: 'z' }, ...container },
    ])
      assert.match((await find(reach)).name, /\/db-0, container main$/)
    await assert.rejects(
      find({ selector: 'app=db' }),
      fails('refused', /2 pods .* are labelled app=db: db-0 \(Running\), db-1 \(Running\)/),
    )
    await assert.rejects(
      find({ selector: 'app=none' }),
      fails('notFound', /no pod in namespace .* is labelled app=none$/),
    )
    await assert.rejects(find({ service: 'none' }), fails('notFound', /has no Service none/))
    await assert.rejects(
      find({ cluster: { operator: 'cloudnative-pg', name: 'z' } }),
      fails('notFound', /primary of cluster z \(cnpg.io\/cluster=z/),
    )
  })

  for (const [operator, members, [role, primary, other], older] of [
    ['zalando', { application: 'spilo', 'cluster-name': 'NAME' }, ['spilo-role', 'master', 'replica'], {}],
    ['cloudnative-pg', { 'cnpg.io/cluster': 'NAME' }, ['cnpg.io/instanceRole', 'primary', 'replica'], { role: true }],
    ['cloudnative-pg', { 'cnpg.io/cluster': 'NAME' }, ['role', 'primary', 'replica'], {}],
  ] as const)
    test(`as the primary that ${operator} labels by ${role}; a failover in the middle is refused, and found anew`, async () => {
      const cluster = `c${Math.random().toString(36).slice(2, 8)}`
      const own = Object.fromEntries(
        Object.entries(members).map(([key, value]) => [key, value.replace('NAME', cluster)]),
      )
      const as = (what: string) => ({ ...own, [role]: what, ...('role' in older ? { role: what } : {}) })
      const become = (name: string, what: string): Promise<void> =>
        until(`${name} is ${what}`, async () => {
          const pod = (await kubernetes.must('GET', `${pods}/${name}`)) as { metadata: { labels: object } }
          pod.metadata.labels = { ...pod.metadata.labels, ...as(what) }
          return (await kubernetes.ask('PUT', `${pods}/${name}`, pod)).status === 200
        })
      const [one, two] = [`${cluster}-1`, `${cluster}-2`]
      await Promise.all([
        startPod(kubernetes, namespace, one, { labels: as(primary) }),
        startPod(kubernetes, namespace, two, { labels: as(other) }),
      ])
      const reach = { cluster: { operator, name: cluster }, container: 'main' }
      const place = await find(reach)
      assert.ok(place.name.endsWith(`/${one}, container main`), place.name)
      const open = await place.start(['cat'], context)

      await become(one, other)
      const over = fails('unreachable', /-1, container main is not the primary of cluster \S+ \(.*\) any more$/)
      await assert.rejects(place.start(['cat'], context), over)
      await assert.rejects(place.forward?.(5432, context) ?? Promise.resolve(), over)
      await assert.rejects(
        find(reach),
        fails('notFound', /no pod .* is the primary of cluster .*; there is \S+-1 \(Running\), \S+-2 \(Running\)$/),
      )
      await become(two, primary)
      assert.ok((await find(reach)).name.endsWith(`/${two}, container main`))
      await become(one, primary)
      await assert.rejects(find(reach), fails('refused', /2 pods in namespace .* are the primary of cluster/))
      open.stop()
    })

  test('by its StatefulSet; one that does not run says why', async () => {
    const sets = `/apis/apps/v1/namespaces/${namespace}/statefulsets`
    const template = { metadata: { labels: { app: 'set' } }, spec: podSpec({}) }
    await kubernetes.must('POST', sets, {
      metadata: { name: 'set' },
      spec: { replicas: 1, serviceName: 'set', selector: { matchLabels: { app: 'set' } }, template },
    })
    await startPod(kubernetes, namespace, 'not-of-the-set', { labels: { app: 'other' } })
    await until(
      'the pod of the set runs',
      async () => (await find({ statefulSet: 'set' }).catch(() => undefined)) !== undefined,
    )
    assert.match((await find({ statefulSet: 'set' })).name, /\/set-0, container main$/)
    await kubernetes.must('POST', pods, {
      metadata: { name: 'no-image' },
      spec: podSpec({ image: 'holdfast.test/none:1' }),
    })
    await until('its image is missed', async () =>
      find({ pod: 'no-image' }).then(
        () => false,
        (error: unknown) => /ErrImageNeverPull/.test(String(error)),
      ),
    )
    await assert.rejects(
      find({ pod: 'no-image' }),
      fails(
        'unreachable',
        /container main of pod no-image \(Pending, main is not ready: ErrImageNeverPull\) does not run/,
      ),
    )
  })
})
