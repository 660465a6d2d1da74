import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure } from '../../src/core/failure.ts'
import type { ClusterAccess } from '../../src/platforms/kubernetes/access.ts'
import { KubernetesClient, type Resource } from '../../src/platforms/kubernetes/client.ts'
import { inClusterAccess } from '../../src/platforms/kubernetes/in-cluster.ts'
import { kubeconfigAccess } from '../../src/platforms/kubernetes/kubeconfig.ts'
import { at, startOwnKubernetes } from '../parts/kubernetes.ts'
import { CLIENT_CA, CLIENT_CERTIFICATE, CLIENT_KEY } from '../parts/kubernetes-certificates.ts'
import { testContext } from '../parts/postgres.ts'

/** A server that knows client certificates, and forgets what lists are of as soon as it may. */
const own = await startOwnKubernetes(async (folder) => {
  const ca = join(folder, 'client-ca.pem')
  await writeFile(ca, CLIENT_CA)
  return [`--client-ca-file=${ca}`, '--etcd-compaction-interval=1s']
})
const { kubernetes } = own
const folder = await mkdtemp(join(tmpdir(), 'holdfast-logins-'))
after(() => rm(folder, { recursive: true, force: true }))
const context = testContext()
const READING = { rules: [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['get', 'list'] }] }

function clientOf(access: ClusterAccess): KubernetesClient {
  const client = new KubernetesClient(access, 5, context)
  after(() => client.close())
  return client
}

const secretsIn = (namespace: string): Resource => ({ api: '/api/v1', kind: 'Secret', plural: 'secrets', namespace })
const denied = (error: unknown): boolean => isFailure(error, 'denied')

test('a client certificate logs in, as data and as files beside the kubeconfig, and has just its rights', async () => {
  const namespace = await kubernetes.namespace()
  await bind(namespace, { kind: 'User', name: 'certificate-user' })
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: 'app' } })
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const data = { 'client-certificate-data': base64(CLIENT_CERTIFICATE), 'client-key-data': base64(CLIENT_KEY) }
  await writeFile(join(folder, 'client.pem'), CLIENT_CERTIFICATE)
  await writeFile(join(folder, 'client.key'), CLIENT_KEY, { mode: 0o600 })
  const files = { 'client-certificate': join(folder, 'client.pem'), 'client-key': join(folder, 'client.key') }
  for (const user of [data, files]) {
    const client = clientOf(await kubeconfigAccess(await kubernetes.writeKubeconfig(user), undefined, context))
    assert.equal(at(await client.get(secretsIn(namespace), 'app'), 'metadata', 'name'), 'app')
    await assert.rejects(client.get(secretsIn('kube-system'), 'app'), denied)
  }
})

test('the service account of a pod logs in, and its token is read again for each request', async () => {
  const [namespace, other] = [await kubernetes.namespace(), await kubernetes.namespace()]
  const place = `/api/v1/namespaces/${namespace}/serviceaccounts`
  await kubernetes.must('POST', place, { metadata: { name: 'holdfast' } })
  await bind(namespace, { kind: 'ServiceAccount', name: 'holdfast', namespace })
  const token = async (): Promise<string> => {
    const answer = await kubernetes.must('POST', `${place}/holdfast/token`, { spec: { expirationSeconds: 600 } })
    return `${String(at(answer, 'status', 'token'))}\n`
  }
  await writeFile(join(folder, 'ca.crt'), kubernetes.ca)
  await writeFile(join(folder, 'namespace'), `${namespace}\n`)
  await writeFile(join(folder, 'token'), await token(), { mode: 0o600 })
  const access = await inClusterAccess(folder, kubernetes.server)
  assert.deepEqual([access.namespace, access.context], [namespace, 'in-cluster'])
  const client = clientOf(access)
  assert.deepEqual(await client.names(secretsIn(namespace), ''), [])
  await assert.rejects(client.names(secretsIn(other), ''), denied)
  await writeFile(join(folder, 'token'), 'another')
  await assert.rejects(client.names(secretsIn(namespace), ''), denied)
  await writeFile(join(folder, 'token'), await token())
  assert.deepEqual(await client.names(secretsIn(namespace), ''), [])
  await writeFile(join(folder, 'token'), '\n')
  await assert.rejects(client.names(secretsIn(namespace), ''), (error) => isFailure(error, 'usage'))
})

test('a list whose moment the server forgot between two pages is read again from the start', async () => {
  const namespace = await kubernetes.namespace()
  const names = Array.from({ length: 230 }, (_, n) => `s${String(n).padStart(3, '0')}`)
  for (const name of names)
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name } })
  const before = await slowSecondPage(namespace)
  const client = clientOf({
    ...(await kubeconfigAccess(kubernetes.kubeconfig, undefined, context)),
    server: before.address,
    serverName: undefined,
  })
  assert.deepEqual(await client.names(secretsIn(namespace), ''), [...names, 'written-meanwhile'].toSorted())
  assert.deepEqual(before.answers.slice(0, 2), [200, 410])
  assert.deepEqual(before.answers.slice(-2), [200, 200])
})

async function bind(namespace: string, subject: Readonly<Record<string, string>>): Promise<void> {
  const api = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  const [metadata, apiGroup] = [{ name: 'reading' }, 'rbac.authorization.k8s.io']
  await kubernetes.must('POST', `${api}/roles`, { ...READING, metadata })
  const roleRef = { apiGroup, kind: 'Role', name: 'reading' }
  await kubernetes.must('POST', `${api}/rolebindings`, { metadata, roleRef, subjects: [subject] })
}

/**
 * Stands before the server and gives on what it says. The first second page it holds back until the server itself answers
 * that the list is gone, with a write meanwhile.
 */
async function slowSecondPage(
  namespace: string,
): Promise<{ readonly address: string; readonly answers: readonly number[] }> {
  const answers: number[] = []
  let delayed = false
  const [cert, key] = await Promise.all([readFile(own.certificate), readFile(own.key)])
  const ask = async (path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
    const isSecond = path.includes('continue=')
    if (!isSecond || delayed) return await kubernetes.ask('GET', path)
    delayed = true
    const place = `/api/v1/namespaces/${namespace}/secrets`
    await kubernetes.must('POST', place, { metadata: { name: 'written-meanwhile' } })
    for (let waited = 0; waited < 60_000; waited += 250) {
      const answer = await kubernetes.ask('GET', path)
      if (answer.status === 410) return answer
      await sleep(250)
    }
    throw new Error('the server never forgot the list')
  }
  const giveOn = async (path: string, answer: ServerResponse): Promise<void> => {
    const { status, body } = await ask(path)
    answers.push(status)
    answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const proxy = https.createServer({ cert, key }, (request, answer) => void giveOn(request.url ?? '', answer))
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  after(() => proxy.close())
  // The address of a TCP server that listens is never null nor a path.
  return { address: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`, answers }
}
