import type { ChildProcess } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { kubernetesSecretsSettings } from '../../src/components/kubernetes-secrets/schema.ts'
import type { KubernetesSecretsSettings } from '../../src/components/kubernetes-secrets/schema.ts'
import { freePort } from '../../src/system/free-port.ts'
import { endServer, spawnDyingWithUs } from './child-server.ts'
import { buildControlPlane } from './kubernetes-build.ts'

export interface KubernetesAnswer {
  readonly status: number
  readonly body: unknown
}

/** A real API server with RBAC on a real etcd; no controllers and no nodes, which Secrets and ConfigMaps do not need. */
export interface TestKubernetes {
  readonly server: string
  /** PEM. */
  readonly ca: string
  readonly adminToken: string
  /** A kubeconfig of the administrator. */
  readonly kubeconfig: string
  /** One request as administrator, or with another token; gives the answer whatever its status. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<KubernetesAnswer>
  /** Like `ask`, and fails unless it went well. */
  must(method: string, path: string, body?: unknown, token?: string): Promise<unknown>
  /** A new namespace. */
  namespace(): Promise<string>
  /** A kubeconfig of a new service account with just this Role (as JSON or parsed YAML), or with none. */
  kubeconfigWith(namespace: string, role?: unknown): Promise<string>
  /** A kubeconfig with these parts, as JSON. */
  writeKubeconfig(user: Readonly<Record<string, unknown>>, cluster?: Readonly<Record<string, unknown>>): Promise<string>
  settings(namespace: string, over?: Readonly<Record<string, unknown>>): KubernetesSecretsSettings
}

const READY_LIMIT = 180_000

/**
 * The server that HOLDFAST_TEST_KUBERNETES_SERVER names, or a private control plane in a temporary folder, gone after the
 * last test. To be called at the top of the file.
 */
export async function startKubernetes(): Promise<TestKubernetes> {
  const { HOLDFAST_TEST_KUBERNETES_SERVER: server } = process.env
  return server === undefined ? (await startOwn()).kubernetes : await given(server)
}

export interface OwnKubernetes {
  readonly kubernetes: TestKubernetes
  /** The files of the server's own certificate, for something that stands before it. */
  readonly certificate: string
  readonly key: string
}

/** A private control plane whatever is named, with more flags for its API server: a test that needs a special one. */
export async function startOwnKubernetes(
  flags: (folder: string) => Promise<readonly string[]>,
): Promise<OwnKubernetes> {
  return await startOwn(flags)
}

/** Its administrator makes and keeps namespaces of the name `test-…`. */
async function given(server: string): Promise<TestKubernetes> {
  const { HOLDFAST_TEST_KUBERNETES_CA: caFile, HOLDFAST_TEST_KUBERNETES_TOKEN: token } = process.env
  if (caFile === undefined || token === undefined)
    throw new Error('HOLDFAST_TEST_KUBERNETES_SERVER is set without _CA (a file) and _TOKEN (of an administrator)')
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kubernetes-'))
  after(() => rm(folder, { recursive: true, force: true }))
  return await testKubernetes(folder, server, await readFile(caFile, 'utf8'), token)
}

async function startOwn(more?: (folder: string) => Promise<readonly string[]>): Promise<OwnKubernetes> {
  const program = await buildControlPlane()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kubernetes-'))
  const adminToken = randomBytes(16).toString('hex')
  const [client, peer, port] = await Promise.all([freePort(), freePort(), freePort()])
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keyFile = join(folder, 'service-account.key')
  await writeFile(keyFile, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  await writeFile(join(folder, 'tokens.csv'), `${adminToken},admin,1,"system:masters"\n`, { mode: 0o600 })
  const etcd = `http://127.0.0.1:${client}`
  const flags = [...serverFlags(folder, keyFile, etcd, port), ...((await more?.(folder)) ?? [])]
  const servers = [
    spawnDyingWithUs(program, ['etcd', join(folder, 'etcd'), etcd, `http://127.0.0.1:${peer}`]),
    spawnDyingWithUs(program, ['kube-apiserver', ...flags]),
  ]
  after(async () => {
    for (const server of servers.toReversed()) await endServer(server)
    await rm(folder, { recursive: true, force: true })
  })
  const certificate = join(folder, 'certificates', 'apiserver.crt')
  await untilReady(port, certificate, servers)
  const ca = await readFile(certificate, 'utf8')
  const kubernetes = await testKubernetes(folder, `https://127.0.0.1:${port}`, ca, adminToken)
  return { kubernetes, certificate, key: join(folder, 'certificates', 'apiserver.key') }
}

/** The server makes its own certificate, with its CA in the same file. */
export function serverFlags(folder: string, keyFile: string, etcd: string, port: number): string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, 'certificates')}`,
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    `--service-account-key-file=${keyFile}`,
    `--service-account-signing-key-file=${keyFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    // There are no nodes to find the server at its address, which may not be the loopback.
    '--endpoint-reconciler-type=none',
    '--anonymous-auth=true',
  ]
}

/** What tests ask of a server, whoever started it. */
export async function testKubernetes(
  folder: string,
  server: string,
  ca: string,
  adminToken: string,
): Promise<TestKubernetes> {
  let made = 0
  const run = randomBytes(3).toString('hex')
  const agent = new https.Agent({ ca, keepAlive: true })
  after(() => agent.destroy())
  const ask: TestKubernetes['ask'] = (method, path, body, token = adminToken) =>
    request(agent, `${server}${path}`, method, body, token)
  const must: TestKubernetes['must'] = async (...given) => {
    const { status, body } = await ask(...given)
    if (status >= 300) throw new Error(`${given[0]} ${given[1]}: ${status} ${JSON.stringify(body)}`)
    return body
  }
  const writeKubeconfig: TestKubernetes['writeKubeconfig'] = async (user, cluster = {}) => {
    const path = join(folder, `${(made += 1)}.kubeconfig`)
    await writeFile(path, kubeconfigText(server, ca, user, cluster), { mode: 0o600 })
    return path
  }
  const kubeconfig = await writeKubeconfig({ token: adminToken })
  const namespace = async (): Promise<string> => {
    const name = `test-${run}-${(made += 1)}`
    await must('POST', '/api/v1/namespaces', { metadata: { name } })
    return name
  }
  const kubeconfigWith: TestKubernetes['kubeconfigWith'] = async (inNamespace, role) => {
    const name = `account-${(made += 1)}`
    const place = `/api/v1/namespaces/${inNamespace}/serviceaccounts`
    await must('POST', place, { metadata: { name } })
    if (role !== undefined) await bind(inNamespace, name, role, must)
    const token = await must('POST', `${place}/${name}/token`, { spec: { expirationSeconds: 3600 } })
    return await writeKubeconfig({ token: String(at(token, 'status', 'token')) })
  }
  const settings: TestKubernetes['settings'] = (inNamespace, over = {}) =>
    kubernetesSecretsSettings.parse({
      kind: 'kubernetes-secrets',
      namespace: inNamespace,
      kubeconfig,
      retrySeconds: 5,
      ...over,
    })
  const test = { server, ca, adminToken, kubeconfig, ask, must, namespace, kubeconfigWith, writeKubeconfig, settings }
  return test
}

async function bind(namespace: string, account: string, role: unknown, must: TestKubernetes['must']): Promise<void> {
  const api = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  const name = `role-of-${account}`
  await must('POST', `${api}/roles`, { ...(role as object), metadata: { name } })
  await must('POST', `${api}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  })
}

/** JSON is YAML. */
function kubeconfigText(
  server: string,
  ca: string,
  user: Readonly<Record<string, unknown>>,
  cluster: Readonly<Record<string, unknown>> = {},
): string {
  const data = Buffer.from(ca).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': data, ...cluster } }],
    users: [{ name: 'test', user }],
  })
}

export function request(
  agent: https.Agent,
  url: string,
  method: string,
  body: unknown,
  token: string,
): Promise<KubernetesAnswer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = https.request(url, { agent, method, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: answer.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : text })
      })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** What is at these keys of an answer; undefined where there is nothing. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  // Any object can be asked for any key.
  return keys.reduce((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value)
}

export async function untilReady(port: number, certificate: string, servers: readonly ChildProcess[]): Promise<void> {
  for (let waited = 0; waited < READY_LIMIT; waited += 100) {
    const dead = servers.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
    if (dead !== undefined) throw new Error(`${dead.spawnargs.slice(0, 6).join(' ')} ended with ${dead.exitCode}`)
    if (existsSync(certificate) && (await isReady(port, await readFile(certificate, 'utf8')))) return
    await sleep(100)
  }
  throw new Error(`the API server for tests was not ready after ${READY_LIMIT / 1000} s`)
}

async function isReady(port: number, ca: string): Promise<boolean> {
  const agent = new https.Agent({ ca })
  try {
    return (await request(agent, `https://127.0.0.1:${port}/readyz`, 'GET', undefined, '')).status === 200
  } catch {
    return false
  } finally {
    agent.destroy()
  }
}
