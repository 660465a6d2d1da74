import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './kubernetes-cluster.ts'
import { podSpec, type TestPod } from './kubernetes-pods.ts'
import { at, type TestKubernetes } from './kubernetes.ts'

const places = {
  Deployment: ['apis/apps/v1', 'deployments'],
  StatefulSet: ['apis/apps/v1', 'statefulsets'],
  DaemonSet: ['apis/apps/v1', 'daemonsets'],
  CronJob: ['apis/batch/v1', 'cronjobs'],
  Job: ['apis/batch/v1', 'jobs'],
  Pod: ['api/v1', 'pods'],
  Kustomization: ['apis/kustomize.toolkit.fluxcd.io/v1', 'kustomizations'],
  HelmRelease: ['apis/helm.toolkit.fluxcd.io/v2', 'helmreleases'],
  Application: ['apis/argoproj.io/v1alpha1', 'applications'],
  ScaledObject: ['apis/keda.sh/v1alpha1', 'scaledobjects'],
  HorizontalPodAutoscaler: ['apis/autoscaling/v2', 'horizontalpodautoscalers'],
} as const
export type TestKind = keyof typeof places

/** The objects of one namespace. */
export class TestObjects {
  readonly #kubernetes: TestKubernetes
  readonly namespace: string

  constructor(kubernetes: TestKubernetes, namespace: string) {
    this.#kubernetes = kubernetes
    this.namespace = namespace
  }

  async create(kind: TestKind, name: string, spec: unknown, more: object = {}): Promise<void> {
    await this.#kubernetes.must('POST', this.#path(kind), { ...this.#head(kind), metadata: { name, ...more }, spec })
  }

  async read(kind: TestKind, name: string): Promise<unknown> {
    return await this.#kubernetes.must('GET', this.#path(kind, name))
  }

  async list(kind: TestKind): Promise<readonly unknown[]> {
    // The items of a list.
    return at(await this.#kubernetes.must('GET', this.#path(kind)), 'items') as readonly unknown[]
  }

  /** Reads, changes and writes it, again where somebody was faster. */
  async change(kind: TestKind, name: string, act: (object: never) => void): Promise<void> {
    await until(`${kind} ${name} is changed`, async () => {
      const object = await this.read(kind, name)
      // Tests say what they know of its shape.
      act(object as never)
      return (await this.#kubernetes.ask('PUT', this.#path(kind, name), object)).status === 200
    })
  }

  /** `replicas` pods of a Deployment or StatefulSet that runs, all ready. */
  async workload(kind: 'Deployment' | 'StatefulSet', name: string, replicas: number, pod: TestPod = {}): Promise<void> {
    const labels = { app: name }
    const template = { metadata: { labels }, spec: podSpec(pod) }
    const more = kind === 'StatefulSet' ? { serviceName: name } : {}
    await this.create(kind, name, { replicas, selector: { matchLabels: labels }, template, ...more }, { labels })
    await until(
      `${kind} ${name} is ready`,
      async () => Number(at(await this.read(kind, name), 'status', 'readyReplicas') ?? 0) === replicas,
    )
  }

  async replicas(kind: 'Deployment' | 'StatefulSet', name: string): Promise<unknown> {
    return at(await this.read(kind, name), 'spec', 'replicas')
  }

  #path(kind: TestKind, name?: string): string {
    const [api, plural] = places[kind]
    return `/${api}/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`
  }

  #head(kind: TestKind): { readonly apiVersion: string; readonly kind: string } {
    return { apiVersion: places[kind][0].replace(/^apis?\//, ''), kind }
  }
}

const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** Kinds of others, as far as tests need them: objects of any content, unless a schema says what the server keeps of them. */
export async function defineKind(
  kubernetes: TestKubernetes,
  [group, version]: readonly [string, string],
  kind: string,
  plural: string,
  openAPIV3Schema: object = ANYTHING,
): Promise<void> {
  await kubernetes.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        { name: version, served: true, storage: true, schema: { openAPIV3Schema }, subresources: { status: {} } },
      ],
    },
  })
  await until(
    `${kind} is served`,
    async () => (await kubernetes.ask('GET', `/apis/${group}/${version}/${plural}`)).status === 200,
  )
}

const text = { type: 'string' }
const whole = { type: 'integer' }
const objectOf = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
})

/** The fields that a HelmRelease of Flux has in its own definition, as far as one is written here; the server drops all others. */
export const helmReleaseSchema = objectOf({
  apiVersion: text,
  kind: text,
  metadata: { type: 'object' },
  spec: objectOf(
    {
      chart: objectOf(
        {
          spec: objectOf(
            {
              chart: text,
              version: { ...text, default: '*' },
              interval: text,
              sourceRef: objectOf({ kind: text, name: text, namespace: text }, ['kind', 'name']),
            },
            ['chart', 'sourceRef'],
          ),
        },
        ['spec'],
      ),
      interval: { ...text, pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$' },
      releaseName: text,
      suspend: { type: 'boolean' },
      install: objectOf({ remediation: objectOf({ retries: whole }) }),
      values: { 'x-kubernetes-preserve-unknown-fields': true },
    },
    ['interval'],
  ),
  status: ANYTHING,
})

/** What Flux does: sets the replicas again within moments, unless its Kustomization is suspended. */
export function keepScaled(
  objects: TestObjects,
  kustomization: string,
  deployment: string,
  replicas: number,
): { readonly reverted: () => number; readonly stop: () => Promise<void> } {
  const over = new AbortController()
  let reverted = 0
  const loop = (async () => {
    while (!over.signal.aborted) {
      const isSuspended = at(await objects.read('Kustomization', kustomization), 'spec', 'suspend') === true
      if (!isSuspended && (await objects.replicas('Deployment', deployment)) !== replicas) {
        reverted += 1
        await objects.change('Deployment', deployment, (object: { spec: { replicas: number } }) => {
          object.spec.replicas = replicas
        })
      }
      await sleep(20)
    }
  })()
  return {
    reverted: () => reverted,
    stop: async () => {
      over.abort()
      await loop
    },
  }
}

/** What KEDA does with an event: scales from 0 to 1, unless it is told to keep it there. */
export function wakeLikeKeda(objects: TestObjects, name: string): { readonly stop: () => Promise<void> } {
  const over = new AbortController()
  const loop = (async () => {
    while (!over.signal.aborted) {
      const annotations = at(await objects.read('ScaledObject', name), 'metadata', 'annotations')
      const isKept = at(annotations, 'autoscaling.keda.sh/paused-replicas') === '0'
      if (!isKept && (await objects.replicas('Deployment', name)) === 0)
        await objects.change('Deployment', name, (object: { spec: { replicas: number } }) => {
          object.spec.replicas = 1
        })
      await sleep(20)
    }
  })()
  return {
    stop: async () => {
      over.abort()
      await loop
    },
  }
}
