import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure, type FailureKind } from '../../src/core/failure.ts'
import type { Context, Progress } from '../../src/core/ports.ts'
import { kubernetesPlatform as platform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesSettings, type KubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { deaths, Died, dyingEffects, recordingEffects } from '../parts/dying-effects.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace } from '../parts/kubernetes-pods.ts'
import { defineKind, helmReleaseSchema, keepScaled, TestObjects, wakeLikeKeda } from '../parts/kubernetes-workloads.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const namespace = await restrictedNamespace(kubernetes)
const objects = new TestObjects(kubernetes, namespace)
const context = testContext()
await defineKind(kubernetes, ['kustomize.toolkit.fluxcd.io', 'v1'], 'Kustomization', 'kustomizations')
await defineKind(kubernetes, ['argoproj.io', 'v1alpha1'], 'Application', 'applications')
await defineKind(kubernetes, ['keda.sh', 'v1alpha1'], 'ScaledObject', 'scaledobjects')

function settingsOf(over: Readonly<Record<string, unknown>>): KubernetesSettings {
  const base = { kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig, limitSeconds: 60 }
  return kubernetesSettings.parse({ ...base, ...over })
}
const pausing = (kind: string, name: string, over = {}) => settingsOf({ pauses: [{ kind, name }], ...over })
const named = (kind: string, name: string): string => `${kind}/${namespace}/${name}`
const PAUSED = 'holdfast-paused'
const annotation = (object: unknown): unknown => at(object, 'metadata', 'annotations', PAUSED)
const podsOf = async (app: string): Promise<number> =>
  (await objects.list('Pod')).filter((pod) => at(pod, 'metadata', 'labels', 'app') === app).length

function warning(): { readonly context: Context; readonly said: () => string } {
  const told: string[] = []
  const progress = (event: Progress): void => {
    if (event.type === 'warning') told.push(event.message)
  }
  return { context: { ...context, progress }, said: () => told.join('; ') }
}

const fails = (kind: FailureKind, pattern: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, kind), String(error))
  assert.match(error.message, pattern)
  return true
}

describe('what is scaled', () => {
  test('is stopped with its number in it, and comes back to that number, each step twice', async () => {
    for (const kind of ['Deployment', 'StatefulSet'] as const) {
      const name = kind.toLowerCase()
      await objects.workload(kind, name, 2)
      const settings = pausing(kind, name)
      assert.deepEqual(await platform.running(settings, context), [named(kind, name)])
      const planned = (): unknown => platform.comeBackTo?.(settings, [named(kind, name)], context)
      assert.deepEqual(await planned(), ['2 replicas'])
      for (let time = 0; time < 2; time += 1) await platform.pause(settings, named(kind, name), context)
      assert.equal(await podsOf(name), 0)
      assert.equal(annotation(await objects.read(kind, name)), '{"replicas":2}')
      assert.deepEqual(await planned(), ['2 replicas'], 'also of one that is stopped already')
      assert.deepEqual(await platform.running(settings, context), [])
      for (let time = 0; time < 2; time += 1) await platform.resume(settings, named(kind, name), context)
      const found = await objects.read(kind, name)
      assert.equal(at(found, 'status', 'readyReplicas'), 2)
      assert.equal(annotation(found), undefined)
    }
  })

  test('and had nobody running stays so', async () => {
    const settings = pausing('Deployment', 'deployment')
    await objects.change(
      'Deployment',
      'deployment',
      (object: { spec: { replicas: number } }) => (object.spec.replicas = 0),
    )
    await platform.pause(settings, named('Deployment', 'deployment'), context)
    const { context: telling, said } = warning()
    await platform.resume(settings, named('Deployment', 'deployment'), telling)
    assert.equal(await objects.replicas('Deployment', 'deployment'), 0)
    assert.match(said(), /was stopped by somebody else, and stays so/)
  })

  test('and was scaled by somebody while it was paused keeps that, and it is told', async () => {
    const settings = pausing('StatefulSet', 'statefulset')
    await platform.pause(settings, named('StatefulSet', 'statefulset'), context)
    await objects.change(
      'StatefulSet',
      'statefulset',
      (object: { spec: { replicas: number } }) => (object.spec.replicas = 1),
    )
    const { context: telling, said } = warning()
    await platform.resume(settings, named('StatefulSet', 'statefulset'), telling)
    assert.equal(await objects.replicas('StatefulSet', 'statefulset'), 1)
    assert.equal(annotation(await objects.read('StatefulSet', 'statefulset')), undefined)
    assert.match(said(), /somebody started .* while it was paused/)
  })

  test('comes back whole, whichever effect its pause and resume died at', async () => {
    await objects.workload('Deployment', 'mortal', 1)
    await objects.create('ScaledObject', 'mortal', { scaleTargetRef: { name: 'mortal' } })
    const workload = named('Deployment', 'mortal')
    const settings = pausing('Deployment', 'mortal')
    const recording = recordingEffects()
    await platform.pause(settings, workload, { ...context, effects: recording })
    await platform.resume(settings, workload, { ...context, effects: recording })
    assert.deepEqual(
      recording.seen.map(({ name }) => name),
      [
        `pause ScaledObject/${namespace}/mortal`,
        `pause ${workload}`,
        `resume ${workload}`,
        `resume ScaledObject/${namespace}/mortal`,
      ],
    )
    for (const at of recording.seen)
      for (const death of deaths) {
        const effects = dyingEffects(at, death)
        const dying = { ...context, effects }
        await platform
          .pause(settings, workload, dying)
          .then(() => platform.resume(settings, workload, dying))
          .catch((error: unknown) => assert.ok(error instanceof Died || isFailure(error, 'unreachable'), String(error)))
        assert.ok(effects.reached(), `${at.name} was not reached`)
        await platform.resume(settings, workload, context)
        await untouched('mortal', 1)
      }
  })
})

/** As before its pause, with nothing of ours in it. */
async function untouched(name: string, replicas: number): Promise<void> {
  const found = await objects.read('Deployment', name)
  assert.equal(at(found, 'spec', 'replicas'), replicas)
  assert.equal(annotation(found), undefined)
  const watched = await objects.read('ScaledObject', name)
  assert.deepEqual(at(watched, 'metadata', 'annotations') ?? {}, {})
}

test('a pause of KEDA that somebody made stays', async () => {
  const replicas = 'autoscaling.keda.sh/paused-replicas'
  await objects.change('ScaledObject', 'mortal', (object: { metadata: { annotations: object } }) => {
    object.metadata.annotations = { [replicas]: '1' }
  })
  const settings = pausing('Deployment', 'mortal')
  await platform.pause(settings, named('Deployment', 'mortal'), context)
  assert.equal(at(await objects.read('ScaledObject', 'mortal'), 'metadata', 'annotations', replicas), '0')
  await platform.resume(settings, named('Deployment', 'mortal'), context)
  const { annotations } = at(await objects.read('ScaledObject', 'mortal'), 'metadata') as { annotations: object }
  assert.deepEqual(annotations, { [replicas]: '1' })
})

test('what KEDA scaled to 0 by itself is not woken while it is paused, and is left to KEDA again', async () => {
  await objects.workload('Deployment', 'idle', 0)
  await objects.create('ScaledObject', 'idle', { scaleTargetRef: { name: 'idle' } })
  const settings = pausing('Deployment', 'idle')
  const workload = named('Deployment', 'idle')
  assert.deepEqual(await platform.running(settings, context), [workload])
  assert.deepEqual(await platform.comeBackTo?.(settings, [workload], context), ['stopped, as it is now'])
  await platform.pause(settings, workload, context)
  assert.deepEqual(await platform.running(settings, context), [], 'it is paused already')
  const keda = wakeLikeKeda(objects, 'idle')
  try {
    await sleep(1_000)
    assert.equal(await objects.replicas('Deployment', 'idle'), 0)
    const { context: telling, said } = warning()
    await platform.resume(settings, workload, telling)
    assert.equal(said(), '')
    await until('KEDA wakes it', async () => (await objects.replicas('Deployment', 'idle')) === 1)
  } finally {
    await keda.stop()
  }
  await objects.change('ScaledObject', 'idle', (object: { metadata: { annotations: object } }) => {
    object.metadata.annotations = { 'autoscaling.keda.sh/paused': 'true' }
  })
  await objects.change('Deployment', 'idle', (object: { spec: { replicas: number } }) => (object.spec.replicas = 0))
  assert.deepEqual(await platform.running(settings, context), [], 'somebody paused KEDA: it wakes nothing')
})

test('an autoscaler leaves alone what has 0 replicas', async () => {
  await objects.create('HorizontalPodAutoscaler', 'mortal', {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mortal' },
    minReplicas: 1,
    maxReplicas: 3,
  })
  const settings = pausing('Deployment', 'mortal')
  const findings = (await platform.check?.(settings, [], context)) ?? []
  assert.ok(findings.some(({ message }) => /HorizontalPodAutoscaler mortal leaves it alone/.test(message)))
  await platform.pause(settings, named('Deployment', 'mortal'), context)
  await until('the autoscaler says so', async () => {
    const conditions = at(await objects.read('HorizontalPodAutoscaler', 'mortal'), 'status', 'conditions')
    return Array.isArray(conditions) && conditions.some((one) => at(one, 'reason') === 'ScalingDisabled')
  })
  assert.equal(await objects.replicas('Deployment', 'mortal'), 0)
  await platform.resume(settings, named('Deployment', 'mortal'), context)
})

describe('what starts others again', () => {
  const suspends = [{ kind: 'Kustomization', name: 'apps' }]

  test('is suspended before them and resumed after them; without that a pause is refused', async () => {
    await objects.workload('Deployment', 'kept', 1)
    await objects.create('Kustomization', 'apps', { prune: true })
    const flux = keepScaled(objects, 'apps', 'kept', 1)
    try {
      const without = pausing('Deployment', 'kept')
      // A pause that is over before the loop looks is none that anybody reverted.
      let refused: unknown
      for (let tries = 0; refused === undefined && tries < 10; tries += 1)
        refused = await platform.pause(without, named('Deployment', 'kept'), context).catch((error: unknown) => error)
      fails('refused', /somebody starts Deployment\/.*\/kept again whenever it is stopped/)(refused)
      await platform.resume(without, named('Deployment', 'kept'), context)
      const settings = pausing('Deployment', 'kept', { suspends })
      const names = await platform.running(settings, context)
      assert.deepEqual(names, [named('Kustomization', 'apps'), named('Deployment', 'kept')])
      assert.deepEqual(await platform.comeBackTo?.(settings, [...names, named('Deployment', 'gone')], context), [
        'not suspended',
        '1 replica',
        'nothing, it is not there',
      ])
      for (const name of names) await platform.pause(settings, name, context)
      const before = flux.reverted()
      await sleep(1_000)
      assert.deepEqual([flux.reverted(), await podsOf('kept')], [before, 0])
      for (const name of names.toReversed()) await platform.resume(settings, name, context)
      assert.equal(at(await objects.read('Kustomization', 'apps'), 'spec', 'suspend'), undefined)
      assert.equal(at(await objects.read('Deployment', 'kept'), 'status', 'readyReplicas'), 1)
    } finally {
      await flux.stop()
    }
  })

  test('and was suspended by somebody stays so', async () => {
    await objects.change(
      'Kustomization',
      'apps',
      (object: { spec: { suspend: boolean } }) => (object.spec.suspend = true),
    )
    const settings = settingsOf({ suspends })
    assert.deepEqual(await platform.running(settings, context), [])
    await platform.pause(settings, named('Kustomization', 'apps'), context)
    await platform.resume(settings, named('Kustomization', 'apps'), warning().context)
    const found = await objects.read('Kustomization', 'apps')
    assert.deepEqual([at(found, 'spec', 'suspend'), annotation(found)], [true, undefined])
  })

  test('an Application of Argo CD keeps how it synchronises', async () => {
    const syncPolicy = { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] }
    await objects.create('Application', 'web', { syncPolicy, project: 'default' })
    const settings = settingsOf({ suspends: [{ kind: 'Application', name: 'web' }] })
    await platform.pause(settings, named('Application', 'web'), context)
    const paused = at(await objects.read('Application', 'web'), 'spec', 'syncPolicy')
    assert.deepEqual(paused, { syncOptions: ['CreateNamespace=true'] })
    await platform.resume(settings, named('Application', 'web'), context)
    assert.deepEqual(at(await objects.read('Application', 'web'), 'spec', 'syncPolicy'), syncPolicy)
  })

  test('a HelmRelease of Flux is suspended, and comes back as it was to the last field', async () => {
    const group = 'helm.toolkit.fluxcd.io'
    await defineKind(kubernetes, [group, 'v2'], 'HelmRelease', 'helmreleases', helmReleaseSchema)
    try {
      const chart = { spec: { chart: 'web', sourceRef: { kind: 'HelmRepository', name: 'charts' } } }
      const spec = { chart, interval: '5m', install: { remediation: { retries: 3 } }, values: { replicas: { web: 2 } } }
      for (const [name, suspend] of [
        ['never-said', undefined],
        ['said-no', false],
        ['suspended', true],
      ] as const) {
        await objects.create('HelmRelease', name, suspend === undefined ? spec : { ...spec, suspend })
        const before = await objects.read('HelmRelease', name)
        const settings = settingsOf({ suspends: [{ kind: 'HelmRelease', name }] })
        const running = suspend === true ? [] : [named('HelmRelease', name)]
        assert.deepEqual(await platform.running(settings, context), running)
        await platform.pause(settings, named('HelmRelease', name), context)
        assert.equal(at(await objects.read('HelmRelease', name), 'spec', 'suspend'), true)
        await platform.resume(settings, named('HelmRelease', name), warning().context)
        const after = await objects.read('HelmRelease', name)
        assert.deepEqual(at(after, 'spec'), at(before, 'spec'))
        assert.equal(annotation(after), undefined)
      }
    } finally {
      // The next test is of a cluster that has none.
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/helmreleases.${group}`
      await kubernetes.must('DELETE', path)
      await until('it is gone', async () => (await kubernetes.ask('GET', path)).status === 404)
    }
  })

  test('of a kind that the cluster does not have is a clear error', async () => {
    const settings = settingsOf({ suspends: [{ kind: 'HelmRelease', name: 'web' }] })
    await assert.rejects(
      platform.running(settings, context),
      fails('unsupported', /the cluster knows no HelmRelease: it has no Flux \(helm.toolkit.fluxcd.io\)/),
    )
    await assert.rejects(
      platform.pause(settings, named('ReplicaSet', 'x'), context),
      fails('refused', /no way to pause the kind ReplicaSet/),
    )
  })
})

test('a DaemonSet runs nowhere while it is paused, and keeps its own node selector', async () => {
  const labels = { app: 'daemon' }
  const spec = { ...podSpec({}), nodeSelector: { 'kubernetes.io/os': 'linux' } }
  await objects.create('DaemonSet', 'daemon', {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec },
  })
  const settings = pausing('DaemonSet', 'daemon')
  await until(
    'it runs',
    async () => Number(at(await objects.read('DaemonSet', 'daemon'), 'status', 'numberReady')) === 1,
  )
  assert.deepEqual(await platform.running(settings, context), [named('DaemonSet', 'daemon')])
  await platform.pause(settings, named('DaemonSet', 'daemon'), context)
  assert.equal(await podsOf('daemon'), 0)
  assert.deepEqual(await platform.running(settings, context), [])
  await platform.resume(settings, named('DaemonSet', 'daemon'), context)
  const found = await objects.read('DaemonSet', 'daemon')
  assert.deepEqual(at(found, 'spec', 'template', 'spec', 'nodeSelector'), { 'kubernetes.io/os': 'linux' })
  assert.equal(await podsOf('daemon'), 1)
})

test('a CronJob is suspended; its running job is waited for, and not deleted', async () => {
  const jobTemplate = { spec: { template: { spec: { ...podSpec({}), restartPolicy: 'Never' } } } }
  await objects.create('CronJob', 'cron', { schedule: '0 0 1 1 *', jobTemplate })
  const settings = pausing('CronJob', 'cron', { limitSeconds: 1 })
  const uid = at(await objects.read('CronJob', 'cron'), 'metadata', 'uid')
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'cron', uid, controller: true }]
  await objects.create('Job', 'cron-1', jobTemplate.spec, { ownerReferences })
  await assert.rejects(
    platform.pause(settings, named('CronJob', 'cron'), context),
    fails('refused', /after 1 s jobs of CronJob\/.*\/cron still run: cron-1/),
  )
  assert.equal((await objects.list('Job')).length, 1)
  await platform.resume(settings, named('CronJob', 'cron'), context)
  const found = await objects.read('CronJob', 'cron')
  assert.deepEqual([at(found, 'spec', 'suspend'), annotation(found)], [false, undefined])
})

test('a selector means all that it finds, in the order of names; nothing and absent names are errors', async () => {
  const selector = settingsOf({ pauses: [{ kind: 'Deployment', selector: 'app in (mortal, kept)' }] })
  assert.deepEqual(await platform.running(selector, context), [
    named('Deployment', 'kept'),
    named('Deployment', 'mortal'),
  ])
  const none = settingsOf({ pauses: [{ kind: 'Deployment', selector: 'app=none' }] })
  await assert.rejects(
    platform.running(none, context),
    fails('notFound', /no Deployment in namespace .* is labelled app=none/),
  )
  await assert.rejects(
    platform.running(pausing('Deployment', 'gone'), context),
    fails('notFound', /Deployment\/.*\/gone is not there/),
  )
})

describe('what serves the own database', () => {
  test('by its Service or by the address of its pod is refused, and nobody else', async () => {
    await objects.workload('StatefulSet', 'store', 1)
    await objects.workload('Deployment', 'author', 1)
    const metadata = { name: 'store', namespace }
    const spec = { selector: { app: 'store' }, ports: [{ port: 5432 }] }
    const path = `/api/v1/namespaces/${namespace}/services`
    const made = await kubernetes.must('POST', path, { apiVersion: 'v1', kind: 'Service', metadata, spec })
    const pod = (await objects.list('Pod')).find((one) => at(one, 'metadata', 'labels', 'app') === 'store')
    const pauses = [
      { kind: 'Deployment', name: 'author' },
      { kind: 'StatefulSet', name: 'store' },
    ]
    const protect = (host: unknown, port = 5432, chosen = pauses): Promise<void> | undefined =>
      platform.protect?.(settingsOf({ pauses: chosen }), [], context, [
        { component: 'keys', at: { host: String(host), port } },
      ])
    const hosts = ['store', `store-0.store.${namespace}.svc.cluster.local`, `store.${namespace}`]
    for (const host of [...hosts, at(made, 'spec', 'clusterIP'), at(pod, 'status', 'podIP')])
      await assert.rejects(
        async () => await protect(host),
        fails('refused', /StatefulSet\/.*store, which serves .*:5432 of component keys/),
      )
    for (const host of ['stores', 'store.elsewhere.svc', 'localhost', '192.0.2.1']) await protect(host)
    await protect('store', 5433)
    await protect('store', 5432, pauses.slice(0, 1))
  })
})
