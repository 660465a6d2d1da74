import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { kubernetesSecretsDriver as driver } from '../../src/components/kubernetes-secrets/driver.ts'
import type {
  KubernetesSecretsDetails,
  KubernetesSecretsSettings,
} from '../../src/components/kubernetes-secrets/schema.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64, capturePoint, everything, fillNamespace } from '../parts/kubernetes-points.ts'
import { testContext } from '../parts/postgres.ts'

const kubernetes = await startKubernetes()
const context = testContext()
const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-kubernetes-scratch-'))
after(() => rm(scratchFolder, { recursive: true, force: true }))
const secretPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`
const open = (
  settings: KubernetesSecretsSettings,
  mode: 'swap' | 'in-place' | 'scratch',
  restoreId = '0a1b2c3d',
): Promise<RestoreTarget<KubernetesSecretsDetails>> =>
  driver.open(settings, { mode, restoreId, scratchFolder }, context)

async function newPoint(over: Readonly<Record<string, unknown>> = everything) {
  const namespace = await kubernetes.namespace()
  await fillNamespace(kubernetes, namespace)
  const settings = kubernetes.settings(namespace, over)
  return { namespace, settings, point: await capturePoint(settings) }
}

/** Everything in the namespace but what the server itself counts. */
async function contents(namespace: string): Promise<unknown> {
  const all: Record<string, unknown> = {}
  for (const plural of ['secrets', 'configmaps']) {
    const list = await kubernetes.must('GET', `/api/v1/namespaces/${namespace}/${plural}`)
    for (const item of at(list, 'items') as readonly unknown[]) {
      const { type, data, binaryData, immutable } = item as Record<string, unknown>
      const [labels, annotations] = [at(item, 'metadata', 'labels'), at(item, 'metadata', 'annotations')]
      all[`${plural}/${String(at(item, 'metadata', 'name'))}`] = {
        type,
        data,
        binaryData,
        immutable,
        labels,
        annotations,
      }
    }
  }
  return all
}

async function damage(namespace: string): Promise<void> {
  await kubernetes.must('PUT', secretPath(namespace, 'app-keys'), {
    metadata: { name: 'app-keys', labels: { app: 'two' } },
    data: { masterkey: base64('canary-live'), other: base64('canary-other') },
  })
  await kubernetes.must('DELETE', secretPath(namespace, 'tls'))
  await kubernetes.must('DELETE', secretPath(namespace, 'fixed'))
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: 'fixed' },
    immutable: true,
    data: { key: base64('canary-other-fixed') },
  })
  await kubernetes.must('DELETE', `/api/v1/namespaces/${namespace}/configmaps/config`)
}

test('a swap brings back every byte and an undo what was there before', async () => {
  const { namespace, settings, point } = await newPoint()
  const captured = await contents(namespace)
  await damage(namespace)
  const before = await contents(namespace)
  const target = await open(settings, 'swap')
  const findings = await target.preflight(point.details, context)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
  const said = JSON.stringify(findings)
  assert.match(said, /Secret app-keys key masterkey: now fingerprint [0-9a-f]{16}, captured fingerprint [0-9a-f]{16}/)
  assert.match(said, /Secret fixed.*is immutable, so it will be deleted and created again/)
  assert.ok(!said.includes('canary'))
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.equal(await target.state(context), 'staged')
  await target.swap(point.details, context)
  assert.equal(await target.state(context), 'swapped')
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.deepEqual(withoutOwn(await contents(namespace)), captured)
  assert.deepEqual(
    (await driver.listRetained(settings, context)).map(({ restoreId }) => restoreId),
    ['0a1b2c3d'],
  )
  await target.undo(context)
  assert.deepEqual(withoutOwn(await contents(namespace)), before)
  await target.forget(context)
  assert.deepEqual(await contents(namespace), before)
})

function withoutOwn(all: unknown): unknown {
  return Object.fromEntries(Object.entries(all as object).filter(([name]) => !name.startsWith('secrets/holdfast-')))
}

test('in place and scratch', async () => {
  const { namespace, settings, point } = await newPoint()
  const captured = await contents(namespace)
  await damage(namespace)
  const target = await open(settings, 'in-place')
  assert.equal((await target.compare(point.details, context)).length > 0, true)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.deepEqual(await contents(namespace), captured)
  const scratch = await open(settings, 'scratch')
  await scratch.load(point.details, point.source, context)
  assert.deepEqual(await scratch.compare(point.details, context), [])
  const left = (await scratch.copy?.leave(context))?.folder ?? ''
  const key = join(left, 'secret', 'app-keys', 'values', 'newline')
  assert.equal(await readFile(key, 'utf8'), 'canary-line\n')
  assert.equal((await stat(key)).mode & 0o777, 0o600)
  await rm(key)
  assert.deepEqual(
    (await scratch.compare(point.details, context)).map(({ found }) => found),
    ['nothing'],
  )
  await scratch.discard(context)
})

test('what GitOps, Helm or an operator writes is compared and not overwritten', async () => {
  const namespace = await kubernetes.namespace()
  const marked: Record<string, object> = {
    argo: { annotations: { 'argocd.argoproj.io/tracking-id': 'app:/Secret:x/argo' } },
    flux: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
    helm: { annotations: { 'meta.helm.sh/release-name': 'app' }, labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    sealed: {
      ownerReferences: [{ apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'sealed', uid: '1' }],
    },
    external: {
      ownerReferences: [{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'x', uid: '2' }],
    },
    operated: { ownerReferences: [{ apiVersion: 'acid.zalan.do/v1', kind: 'postgresql', name: 'db', uid: '3' }] },
    plain: {},
  }
  const names = Object.keys(marked)
  for (const name of names)
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name, ...marked[name] },
      data: { key: base64('captured') },
    })
  // A server-side apply by a controller leaves its name and no mark.
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets?fieldManager=kustomize-controller`, {
    metadata: { name: 'written' },
    data: { key: base64('captured') },
  })
  const settings = kubernetes.settings(namespace, { secrets: [...names, 'written'] })
  const point = await capturePoint(settings)
  assert.deepEqual(Object.fromEntries(point.details.objects.map(({ name, managedBy }) => [name, managedBy])), {
    argo: 'Argo CD',
    flux: 'Flux',
    helm: 'Helm',
    sealed: 'Sealed Secrets (SealedSecret sealed)',
    external: 'External Secrets (ExternalSecret x)',
    operated: 'the owner postgresql db',
    plain: null,
    written: 'Flux',
  })
  const live = async (): Promise<unknown[]> =>
    await Promise.all(
      [...names, 'written'].map(async (name) =>
        at(await kubernetes.must('GET', secretPath(namespace, name)), 'data', 'key'),
      ),
    )
  for (const name of [...names, 'written']) await patch(secretPath(namespace, name), { data: { key: base64('live') } })
  const target = await open(settings, 'swap')
  const warned = (await target.preflight(point.details, context)).filter(({ level }) => level === 'warning')
  assert.equal(warned.filter(({ message }) => message.includes('compared and not overwritten')).length, 7)
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  const expected = [...names, 'written'].map((name) => base64(name === 'plain' ? 'captured' : 'live'))
  assert.deepEqual(await live(), expected)
  const overwriting = await open({ ...settings, managed: 'overwrite' }, 'swap', '00000002')
  await overwriting.load(point.details, point.source, context)
  await overwriting.swap(point.details, context)
  assert.deepEqual(new Set(await live()), new Set([base64('captured')]))
  await overwriting.undo(context)
  assert.deepEqual(await live(), expected)
})

test('what is gone is made, also where somebody else writes it, and what the point does not hold of an object stays', async () => {
  const namespace = await kubernetes.namespace()
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const owner = { apiVersion: 'acid.zalan.do/v1', kind: 'postgresql', name: 'db', uid: '3', controller: true }
  const kept = { finalizers: ['example.org/keep'], ownerReferences: [owner] }
  const sealing = { labels: { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' } }
  const helm = { annotations: { 'meta.helm.sh/release-name': 'app' } }
  const data = { key: base64('captured') }
  for (const metadata of [{ name: 'held' }, { name: 'sealing', ...sealing }, { name: 'helm', ...helm }])
    await kubernetes.must('POST', secrets, { metadata, data })
  const names = ['held', 'sealing', 'helm']
  const settings = kubernetes.settings(namespace, { secrets: names, managed: 'overwrite' })
  const point = await capturePoint(settings)
  for (const name of ['sealing', 'helm']) await kubernetes.must('DELETE', secretPath(namespace, name))
  await kubernetes.must('DELETE', secretPath(namespace, 'held'))
  await kubernetes.must('POST', secrets, { metadata: { name: 'held', ...kept }, data: { key: base64('live') } })
  const comparing = { ...settings, managed: 'compare' as const }
  for (const [how, id] of [
    [comparing, '00000001'],
    [settings, '00000002'],
  ] as const) {
    const target = await open(how, 'swap', id)
    await target.load(point.details, point.source, context)
    await target.swap(point.details, context)
  }
  for (const name of names)
    assert.equal(at(await kubernetes.must('GET', secretPath(namespace, name)), 'data', 'key'), base64('captured'))
  const held = await kubernetes.must('GET', secretPath(namespace, 'held'))
  assert.deepEqual(
    [at(held, 'metadata', 'finalizers'), at(held, 'metadata', 'ownerReferences')],
    [kept.finalizers, [owner]],
  )
})

test('an immutable object that a finalizer holds is refused before anything is changed', async () => {
  const namespace = await kubernetes.namespace()
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const make = (name: string, text: string, metadata: object = {}): Promise<unknown> =>
    kubernetes.must('POST', secrets, { metadata: { name, ...metadata }, immutable: true, data: { key: base64(text) } })
  await make('a', 'captured')
  await make('b', 'captured')
  const point = await capturePoint(kubernetes.settings(namespace, { secrets: ['a', 'b'] }))
  for (const name of ['a', 'b']) await kubernetes.must('DELETE', secretPath(namespace, name))
  await make('a', 'live')
  await make('b', 'live', { finalizers: ['example.org/keep'] })
  const settings = kubernetes.settings(namespace, { secrets: ['a', 'b'] })
  for (const mode of ['swap', 'in-place'] as const) {
    const target = await open(settings, mode)
    const errors = (await target.preflight(point.details, context)).filter(({ level }) => level === 'error')
    assert.deepEqual(
      errors.map(({ subject }) => subject),
      ['Secret b'],
    )
    const act = async (): Promise<void> => {
      await target.load(point.details, point.source, context)
      await target.swap(point.details, context)
    }
    await assert.rejects(act(), { kind: 'refused', message: /example\.org\/keep keeps it/ })
    if (mode === 'swap') await target.discard(context)
    for (const name of ['a', 'b'])
      assert.equal(at(await kubernetes.must('GET', secretPath(namespace, name)), 'data', 'key'), base64('live'))
  }
})

/** As an application or a person changes one, who keeps what else there is. */
async function patch(path: string, change: { readonly data: object }): Promise<void> {
  const now = (await kubernetes.must('GET', path)) as { readonly data?: object }
  await kubernetes.must('PUT', path, { ...now, data: { ...now.data, ...change.data } })
}

test('somebody who writes in the middle of a swap is not overwritten', async () => {
  const { namespace, settings, point } = await newPoint({ secrets: ['app-keys', 'tls'] })
  const change = (name: string, text: string): Promise<void> =>
    patch(secretPath(namespace, name), { data: { [name === 'tls' ? 'tls.key' : 'masterkey']: base64(text) } })
  await change('app-keys', 'canary-before')
  await change('tls', 'canary-before')
  const target = await open(settings, 'swap')
  await target.load(point.details, point.source, context)
  const writing = testContext({
    effects: {
      run: async (name, act) => {
        const result = await act()
        if (name === 'kubernetes: note that the restore is swapping') await change('tls', 'canary-somebody')
        return result
      },
    },
  })
  await assert.rejects(
    target.swap(point.details, writing),
    (error: unknown) => isFailure(error, 'refused') && /Secret tls was changed by somebody/.test(error.message),
  )
  assert.equal(await target.state(context), 'fenced')
  await target.discard(context)
  assert.equal(await target.state(context), 'untouched')
  const at1 = async (name: string, key: string): Promise<unknown> =>
    at(await kubernetes.must('GET', secretPath(namespace, name)), 'data', key)
  assert.equal(await at1('app-keys', 'masterkey'), base64('canary-before'))
  assert.equal(await at1('tls', 'tls.key'), base64('canary-somebody'))
})

test('planted defects in an artifact are found before anything is written', async () => {
  const { namespace, settings, point } = await newPoint()
  const before = await contents(namespace)
  const text = point.content.toString('utf8')
  const { sourceOf } = await import('../parts/openbao-points.ts')
  const damaged = [
    text.replace('canary-captured', 'canary-another!'),
    text
      .split('\n')
      .filter((line) => !line.includes('masterkey'))
      .join('\n'),
    text.replaceAll('"name":"tls"', '"name":"tlz"'),
    text.slice(0, -3),
    text.replace('"Secret"', '"Pod"'),
  ]
  for (const content of damaged) {
    const source = sourceOf(new Map([['secrets', Buffer.from(content)]]))
    for (const mode of ['swap', 'scratch'] as const) {
      const target = await open(settings, mode)
      await assert.rejects(target.load(point.details, source, context), (error) => isFailure(error, 'corrupt'))
      await target.discard(context)
    }
    await assert.rejects(
      driver.examine(point.details, source, context),
      (error: unknown) => isFailure(error, 'corrupt') && !error.message.includes('canary'),
    )
  }
  assert.deepEqual(await contents(namespace), before)
})
