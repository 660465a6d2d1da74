import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { HttpClient } from '../../src/system/http.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { importImage } from '../parts/kubernetes-images.ts'
import { podSpec, restrictedNamespace } from '../parts/kubernetes-pods.ts'
import { at, type TestKubernetes } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'
import { debianRootFilesystem } from '../parts/root-filesystem.ts'
import {
  databaseIn,
  makeContainerApp,
  programsIn,
  SCHEMA,
  strangersIn,
  writerOf,
  type ContainerApp,
} from './container-app.ts'

/** An app in a namespace that enforces the restricted standard: a StatefulSet with its database, and a Deployment that never stops writing. */
export interface KubernetesLab extends ContainerApp {
  readonly kubernetes: TestKubernetes
  readonly namespace: string
  /** Runs a statement inside the database's container; gives its text. */
  sql(text: string): Promise<string>
  /** What runs in the database's container beside PostgreSQL. */
  strangers(): Promise<readonly string[]>
  /** What the server logged. It is process 1 of its container, so it takes every process that is left there for one of its own. */
  log(): Promise<string>
  /** Fails unless the writer has its replicas and no annotation of a pause, and no other pods are there. */
  assertAsRecorded(): Promise<void>
  /** `spec.replicas` of the writer. */
  replicas(): Promise<number>
}

export const POSTGRES_IMAGE = 'holdfast.test/postgres:15'
const SECRET = 'a password of the Secret'
const DATABASE = `[ -e /data/db/PG_VERSION ] || { echo "$POSTGRES_PASSWORD" > /data/pw; initdb -D /data/db -U portal --auth scram-sha-256 --pwfile /data/pw --no-sync >/dev/null; echo 'host all all all scram-sha-256' >> /data/db/pg_hba.conf; }
exec postgres -D /data/db -c listen_addresses=* -c fsync=off -c unix_socket_directories=/data`

export async function startKubernetesLab(): Promise<KubernetesLab> {
  const { kubernetes, folder: node } = await startCluster()
  const user = await importPostgres(node)
  const namespace = await restrictedNamespace(kubernetes)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kubernetes-'))
  after(async () => {
    // A cluster of our own has ended by now.
    await kubernetes.ask('DELETE', `/api/v1/namespaces/${namespace}`).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  })
  await makeDatabase(kubernetes, namespace, user)
  const inside = await databaseProgramsIn(kubernetes, namespace)
  const sqlIn = (database: string, text: string): Promise<string> =>
    inside('env', `PGPASSWORD=${SECRET}`, 'psql', '-qAt', '-h', '/data', '-U', 'portal', '-d', database, '-c', text)
  await sqlIn('postgres', 'create database portal')
  await sqlIn('portal', SCHEMA)
  await makeWriter(kubernetes, namespace, user)
  const { kubeconfig } = kubernetes
  const pauses = [{ kind: 'Deployment', name: 'writer' }]
  const app = await makeContainerApp(folder, {
    platform: { kind: 'kubernetes', namespace, kubeconfig, pauses },
    components: databaseIn({ kind: 'kubernetes', statefulSet: 'database' }),
  })
  return {
    ...app,
    kubernetes,
    namespace,
    sql: async (text) => (await sqlIn('portal', text)).trim(),
    strangers: async () => strangersIn(await inside('ps', '-eo', 'args=')),
    log: () => podLog(kubernetes, namespace),
    assertAsRecorded: () => assertAsRecorded(kubernetes, namespace),
    async replicas() {
      const writer = await kubernetes.must('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/writer`)
      return Number(at(writer, 'spec', 'replicas'))
    },
  }
}

async function assertAsRecorded(kubernetes: TestKubernetes, namespace: string): Promise<void> {
  const writer = await kubernetes.must('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/writer`)
  assert.equal(at(writer, 'spec', 'replicas'), 2)
  assert.equal(at(writer, 'status', 'readyReplicas'), 2)
  assert.equal(at(writer, 'metadata', 'annotations', 'holdfast-paused'), undefined)
  const pods = at(await kubernetes.must('GET', `/api/v1/namespaces/${namespace}/pods`), 'items')
  const apps = (Array.isArray(pods) ? pods : [])
    .filter((pod) => at(pod, 'metadata', 'deletionTimestamp') === undefined)
    .map((pod) => String(at(pod, 'metadata', 'labels', 'app')))
  assert.deepEqual(
    apps.toSorted((a, b) => a.localeCompare(b)),
    ['database', 'writer', 'writer'],
  )
}

/** Gives the number of its user `postgres`. */
export async function importPostgres(node: string): Promise<number> {
  const root = await debianRootFilesystem()
  const folders = (await readdir(root)).filter((name) => !['dev', 'proc', 'sys'].includes(name))
  const fill = async (target: string): Promise<void> =>
    void (await promisify(execFile)('cp', ['-a', ...folders.map((name) => join(root, name)), target]))
  const environment = ['PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin']
  await importImage(node, { name: POSTGRES_IMAGE, fill, entrypoint: ['/bin/bash'], environment })
  const accounts = await readFile(join(root, 'etc', 'passwd'), 'utf8')
  return Number(/^postgres:x:(\d+):/m.exec(accounts)?.[1])
}

function specOf(user: number, command: string, env: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) {
  const spec = podSpec({ image: POSTGRES_IMAGE, command: ['bash', '-c', command], env, more })
  return { ...spec, securityContext: { ...spec.securityContext, runAsUser: user, fsGroup: user } }
}

const passwordFromSecret = {
  name: 'POSTGRES_PASSWORD',
  valueFrom: { secretKeyRef: { name: 'database', key: 'password' } },
}

async function makeDatabase(kubernetes: TestKubernetes, namespace: string, user: number): Promise<void> {
  await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: 'database' },
    stringData: { password: SECRET },
  })
  const labels = { app: 'database' }
  // Once it has answered, nothing asks it again: each look is a program in the container. It may take long to come up.
  const answers = { exec: { command: ['pg_isready', '-h', '/data'] }, periodSeconds: 1, failureThreshold: 120 }
  const spec = specOf(user, DATABASE, [passwordFromSecret], {
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    startupProbe: answers,
  })
  await kubernetes.must('POST', `/apis/apps/v1/namespaces/${namespace}/statefulsets`, {
    metadata: { name: 'database' },
    spec: {
      replicas: 1,
      serviceName: 'database',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...spec, volumes: [{ name: 'data', emptyDir: {} }] } },
    },
  })
  await untilPods(kubernetes, namespace, 'database')
}

async function makeWriter(kubernetes: TestKubernetes, namespace: string, user: number): Promise<void> {
  const { body } = await kubernetes.ask('GET', `/api/v1/namespaces/${namespace}/pods/database-0`)
  const address = { name: 'DATABASE', value: String(at(body, 'status', 'podIP')) }
  const labels = { app: 'writer' }
  await kubernetes.must('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name: 'writer' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: specOf(user, writerOf('"$DATABASE"'), [passwordFromSecret, address]) },
    },
  })
  await untilPods(kubernetes, namespace, 'writer')
}

async function untilPods(kubernetes: TestKubernetes, namespace: string, app: string): Promise<void> {
  await until(`pods of ${app} are ready`, async () => {
    const { body } = await kubernetes.ask('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app=${app}`)
    const pods = at(body, 'items')
    return (
      Array.isArray(pods) &&
      pods.length > 0 &&
      pods.every((pod) => at(pod, 'status', 'containerStatuses', '0', 'ready') === true)
    )
  })
}

async function databaseProgramsIn({ kubeconfig }: TestKubernetes, namespace: string) {
  const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig })
  const reach = kubernetesReach.parse({ kind: 'kubernetes', pod: 'database-0' })
  return programsIn(await kubernetesPlatform.inside.find(settings, reach, testContext()))
}

async function podLog({ server, adminToken, ca }: TestKubernetes, namespace: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/database-0/log`
  const http = new HttpClient({
    name: 'the API server',
    address: server,
    ca,
    connections: 1,
    silence: 30_000,
    largest: 1e7,
  })
  try {
    const headers = { authorization: `Bearer ${adminToken}` }
    return (await http.text({ method: 'GET', path, headers })).text
  } finally {
    http.close()
  }
}
