import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Failure } from '../../src/core/failure.ts'
import { KubernetesClient } from '../../src/platforms/kubernetes/client.ts'
import { inClusterAccess } from '../../src/platforms/kubernetes/in-cluster.ts'
import { kubeconfigAccess } from '../../src/platforms/kubernetes/kubeconfig.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { podsIn } from '../../src/platforms/kubernetes/resources.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { execIn } from '../../src/platforms/kubernetes/streams/exec.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

/** Logins that end while a run goes on. */
const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
await startPod(kubernetes, namespace, 'app', { command: ['nc', '-ll', '-p', '7777', '-e', 'cat'] })
const target = { namespace, pod: 'app', container: 'main' }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-renewed-'))
after(() => rm(folder, { recursive: true, force: true }))
const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
const RULES = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
  { apiGroups: [''], resources: ['pods/exec', 'pods/portforward'], verbs: ['get', 'create'] },
]

/** A token of a new service account, which ends with that account. */
async function newLogin(name: string): Promise<string> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  await kubernetes.must('POST', accounts, { metadata: { name } })
  await kubernetes.must('POST', `${rbac}/roles`, { metadata: { name }, rules: RULES })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
  const subjects = [{ kind: 'ServiceAccount', name, namespace }]
  await kubernetes.must('POST', `${rbac}/rolebindings`, { metadata: { name }, roleRef, subjects })
  const answer = await kubernetes.must('POST', `${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } })
  return String(at(answer, 'status', 'token'))
}

/** The server remembers for some seconds whom it knew. */
async function endLogin(name: string, token: string): Promise<void> {
  await kubernetes.must('DELETE', `${accounts}/${name}`)
  // Asked too soon, it would remember for longer.
  await sleep(500)
  const pods = `/api/v1/namespaces/${namespace}/pods`
  await until('the token is over', async () => (await kubernetes.ask('GET', pods, undefined, token)).status === 401)
}

const denied = (error: unknown): boolean => {
  assert.ok(error instanceof Failure && error.kind === 'denied', String(error))
  assert.match(`${error.message} ${error.hint}`, /login is not valid, or is over.*Log in again/s)
  return true
}

test('a login program runs again where its token ended in the middle, once, and what is open goes on', async () => {
  const [tokenFile, runs] = [join(folder, 'given'), join(folder, 'runs')]
  const api = 'client.authentication.k8s.io/v1'
  // It says that its token lasts, as one that somebody withdrew did.
  const script = `echo run >> '${runs}'
    echo '{"apiVersion":"${api}","kind":"ExecCredential","status":{"expirationTimestamp":"2099-01-01T00:00:00Z","token":"'"$(cat '${tokenFile}')"'"}}'`
  const kubeconfig = await kubernetes.writeKubeconfig({
    exec: { apiVersion: api, command: 'sh', args: ['-c', script] },
  })
  const ran = async (): Promise<number> => (await readFile(runs, 'utf8')).trim().split('\n').length
  const [first, second] = [await newLogin('first'), await newLogin('second')]
  await writeFile(tokenFile, first)
  const access = await kubeconfigAccess(kubeconfig, undefined, context)
  const client = new KubernetesClient(access, 5, context)
  after(() => client.close())
  const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig })
  const reach = kubernetesReach.parse({ kind: 'kubernetes', pod: 'app' })
  const place = await kubernetesPlatform.inside.find(settings, reach, context)
  const open = await place.start(['cat'], context)
  await endLogin('first', first)
  assert.equal(await ran(), 1)

  await assert.rejects(client.get(podsIn(namespace), 'app'), denied)
  assert.equal(await ran(), 2)
  await assert.rejects(execIn(access, target, ['echo'], context), denied)
  await assert.rejects(place.start(['echo'], context), denied)

  const before = await ran()
  await writeFile(tokenFile, second)
  const anew = await execIn(access, target, ['echo', 'by the new token'], context)
  assert.equal(await text(anew.stdout), 'by the new token\n')
  const pods = await Promise.all([1, 2, 3].map(() => client.get(podsIn(namespace), 'app')))
  assert.ok(pods.every((pod) => at(pod, 'metadata', 'name') === 'app'))
  const stream = await place.forward?.(7777, context)
  assert.ok(stream !== undefined)
  stream.write('forwarded')
  assert.equal(String(await once(stream, 'data').then(([chunk]: unknown[]) => chunk)), 'forwarded')
  stream.destroy()
  assert.equal(await ran(), before + 1)

  open.stdin.end('opened before')
  assert.equal(await text(open.stdout), 'opened before')
  assert.equal(await open.ended, 0)
})

test('the token file of a pod is read again where the token that was read from it is over', async () => {
  const [former, current] = [await newLogin('former'), await newLogin('current')]
  await endLogin('former', former)
  await promisify(execFile)('mkfifo', [join(folder, 'token')])
  await writeFile(join(folder, 'ca.crt'), kubernetes.ca)
  await writeFile(join(folder, 'namespace'), namespace)
  // Whoever reads it gets what is written next: rotated between a reading and its request.
  const rotate = async (...tokens: readonly string[]): Promise<void> => {
    for (const token of tokens) {
      await writeFile(join(folder, 'token'), token)
      // A second writer must not come while the reader still waits for the end of the first.
      await sleep(300)
    }
  }
  const client = new KubernetesClient(await inClusterAccess(folder, kubernetes.server), 5, context)
  after(() => client.close())
  const [pod] = await Promise.all([client.get(podsIn(namespace), 'app'), rotate(former, current)])
  assert.equal(at(pod, 'metadata', 'name'), 'app')
  await Promise.all([assert.rejects(client.get(podsIn(namespace), 'app'), denied), rotate(former, former)])
})
