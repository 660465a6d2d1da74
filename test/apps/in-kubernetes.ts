import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { importPostgres, POSTGRES_IMAGE } from '../e2e/kubernetes-lab.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { podSpec, restrictedNamespace, type TestPod } from '../parts/kubernetes-pods.ts'
import { TestObjects } from '../parts/kubernetes-workloads.ts'
import { at, type TestKubernetes } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

type Labels = Readonly<Record<string, string>>

/** A namespace for a stand-in of an app, and an empty folder for the configuration. */
export interface KubernetesApp {
  readonly kubernetes: TestKubernetes
  readonly objects: TestObjects
  readonly namespace: string
  readonly folder: string
  secret(name: string, values: Labels, labels?: Labels): Promise<void>
  /** A workload with pods that run; its command is that of the pod, or none. */
  workload(
    kind: 'Deployment' | 'StatefulSet',
    name: string,
    pod: TestPod & { readonly replicas?: number },
  ): Promise<void>
  /** A real PostgreSQL in a StatefulSet with these variables of the official image. */
  postgres(name: string, env: readonly unknown[], labels?: Labels): Promise<void>
  /** Runs SQL in it, as its superuser. */
  sql(pod: string, database: string, text: string): Promise<string>
}

const DATABASE = `export PGUSER_SUPERUSER=\${PGUSER_SUPERUSER:-\${POSTGRES_USER:-postgres}}
printf %s "\${PGPASSWORD_SUPERUSER:-$POSTGRES_PASSWORD}" > /data/pw
[ -s /data/pw ] && auth="scram-sha-256 --pwfile /data/pw" || auth=trust
initdb -D /data/db -U "$PGUSER_SUPERUSER" --auth-local trust --auth-host $auth --no-sync >/dev/null
rm /data/pw; [ "$auth" = trust ] || auth=scram-sha-256
echo "host all all all $auth" >> /data/db/pg_hba.conf
exec postgres -D /data/db -c listen_addresses=* -c fsync=off -c unix_socket_directories=/data`

export async function startKubernetesApp(): Promise<KubernetesApp> {
  const { kubernetes, folder: node } = await startCluster()
  const user = await importPostgres(node)
  const namespace = await restrictedNamespace(kubernetes)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-app-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const objects = new TestObjects(kubernetes, namespace)
  const run = async (
    kind: 'Deployment' | 'StatefulSet',
    name: string,
    labels: Labels,
    spec: object,
    replicas: number,
  ): Promise<void> => {
    const all = { 'test-app': name, ...labels }
    await objects.create(
      kind,
      name,
      {
        replicas,
        selector: { matchLabels: { 'test-app': name } },
        template: { metadata: { labels: all }, spec },
        ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      },
      { labels: all },
    )
    await until(
      `${kind} ${name} is ready`,
      async () => Number(at(await objects.read(kind, name), 'status', 'readyReplicas') ?? 0) === replicas,
    )
  }
  return {
    kubernetes,
    objects,
    namespace,
    folder,
    async secret(name, stringData, labels = {}) {
      const path = `/api/v1/namespaces/${namespace}/secrets`
      await kubernetes.must('POST', path, { metadata: { name, labels }, stringData })
    },
    workload: (kind, name, { replicas = 1, labels = {}, ...pod }) => run(kind, name, labels, podSpec(pod), replicas),
    async postgres(name, env, labels = {}) {
      const more = {
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
        readinessProbe: { exec: { command: ['pg_isready', '-h', '/data'] }, periodSeconds: 1 },
        name: 'postgres',
      }
      const spec = podSpec({ image: POSTGRES_IMAGE, command: ['bash', '-c', DATABASE], env, more })
      const security = { ...spec.securityContext, runAsUser: user, fsGroup: user }
      await run(
        'StatefulSet',
        name,
        labels,
        { ...spec, securityContext: security, volumes: [{ name: 'data', emptyDir: {} }] },
        1,
      )
    },
    sql: (pod, database, text) => sqlIn(kubernetes, namespace, pod, database, text),
  }
}

export const fromSecret = (variable: string, name: string, key: string): unknown => ({
  name: variable,
  valueFrom: { secretKeyRef: { name, key } },
})

async function sqlIn(
  { kubeconfig }: TestKubernetes,
  namespace: string,
  pod: string,
  database: string,
  text: string,
): Promise<string> {
  const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig })
  const context = testContext()
  const place = await kubernetesPlatform.inside.find(
    settings,
    kubernetesReach.parse({ kind: 'kubernetes', pod }),
    context,
  )
  const psql = 'exec psql -qAt -v ON_ERROR_STOP=1 -h /data -U "${PGUSER_SUPERUSER:-${POSTGRES_USER:-postgres}}" -d "$1"'
  const program = await place.start(['bash', '-c', psql, 'psql', database], context)
  program.stdin.end(text)
  const said = Buffer.concat(await program.stdout.toArray()).toString('utf8')
  const code = await program.ended
  if (code !== 0) throw new Error(`psql ended with ${code}: ${program.stderr()}`)
  return said.trim()
}
