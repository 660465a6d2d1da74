import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../../src/core/failure.ts'
import type { Context } from '../../src/core/ports.ts'
import { KubernetesClient } from '../../src/platforms/kubernetes/client.ts'
import { kubeconfigAccess } from '../../src/platforms/kubernetes/kubeconfig.ts'
import { findPlace } from '../../src/platforms/kubernetes/place/find.ts'
import { podsIn } from '../../src/platforms/kubernetes/resources.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import { randomHex } from '../../src/system/random.ts'
import { unpackOnce } from '../../test/parts/debian-packages.ts'
import { startNode } from '../../test/parts/kubernetes-cluster.ts'
import { importImage } from '../../test/parts/kubernetes-images.ts'
import { kubeconfigOf } from '../../test/parts/kubernetes-node-files.ts'
import { debianRootFilesystem } from '../../test/parts/root-filesystem.ts'

const run = promisify(execFile)
const IMAGE = 'holdfast.test/bench-routes:1'
const BIN = '/usr/lib/postgresql/15/bin'
const PACKAGES = [
  'socat',
  'libwrap0',
  'libnsl2',
  'libtirpc3',
  'netcat-traditional',
  'busybox-static',
  'python3.11-minimal',
  'libexpat1',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
]
const LINKS = { 'usr/bin/python3': 'python3.11', 'usr/bin/nc': '/bin/nc.traditional' }
const SERVER = `initdb -D /tmp/db -U postgres -A trust --no-sync >/dev/null && echo 'host all all all trust' >> /tmp/db/pg_hba.conf
exec postgres -D /tmp/db -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off -c jit=off -c autovacuum=off`

/** A pod with a database, as what runs in the network of its node reaches it. */
export interface BenchPod {
  readonly kubeconfig: string
  readonly namespace: string
  /** Begins a command line that runs in the network of the node, from where direct connections reach the pod too. */
  readonly inNetwork: readonly [string, ...string[]]
  /** Runs a statement in a database; gives its text. */
  sql(database: string, text: string): Promise<string>
}

interface Node {
  readonly folder: string
  readonly port: number
  readonly token: string
}

/** Uses the cluster that HOLDFAST_TEST_CLUSTER names, else one of its own. Needs root. */
export async function withPod<Result>(
  folder: string,
  context: Context,
  act: (pod: BenchPod) => Promise<Result>,
): Promise<Result> {
  const { HOLDFAST_TEST_CLUSTER: kept } = process.env
  // The file is written by scripts/keep-cluster.ts, as the description of its node.
  const node = kept === undefined ? await startNode() : undefined
  const description = node?.description ?? (JSON.parse(await readFile(kept ?? '', 'utf8')) as Node)
  try {
    return await inNamespace(description, folder, context, act)
  } finally {
    await node?.end()
  }
}

async function inNamespace<Result>(
  node: Node,
  folder: string,
  context: Context,
  act: (pod: BenchPod) => Promise<Result>,
): Promise<Result> {
  const user = await makeImage(node.folder)
  const outside = join(folder, 'outside.kubeconfig')
  await writeFile(outside, kubeconfigOf(node.folder, `https://127.0.0.1:${node.port}`, node.token), { mode: 0o600 })
  const client = new KubernetesClient(await kubeconfigAccess(outside, undefined, context), 60, context)
  const namespace = `bench-${randomHex(4)}`
  const namespaces = { api: '/api/v1', kind: 'Namespace', plural: 'namespaces' }
  try {
    await client.create(namespaces, namespace, { metadata: { name: namespace } })
    const place = await startServer(client, { outside, namespace, user }, context)
    const inNetwork = ['nsenter', `--net=/proc/${await nodeProcess(node.folder)}/ns/net`, '--'] as const
    const sql = (database: string, text: string): Promise<string> =>
      outputOf(place, ['psql', '-qAt', '-h', '/tmp', '-U', 'postgres', '-d', database, '-c', text], context)
    return await act({ kubeconfig: join(node.folder, 'admin.kubeconfig'), namespace, inNetwork, sql })
  } finally {
    await client.remove(namespaces, namespace).catch(() => undefined)
    client.close()
  }
}

/** Debian with PostgreSQL 15, and every program that can be a relay. Gives the number of its user `postgres`. */
async function makeImage(node: string): Promise<number> {
  const [root, relays] = [await debianRootFilesystem(), await unpackOnce('relay-programs', PACKAGES, LINKS)]
  const folders = (await readdir(root)).filter((name) => !['dev', 'proc', 'sys'].includes(name))
  const fill = async (target: string): Promise<void> => {
    await run('cp', ['-a', ...folders.map((name) => join(root, name)), target])
    // The folders of the packages go through the links that Debian has in their place.
    const copy = 'tar -C "$1" -cf - . | tar -C "$2" --keep-directory-symlink -xf -'
    await run('sh', ['-c', copy, 'copy', relays, target])
  }
  const environment = [`PATH=${BIN}:/usr/local/bin:/usr/bin:/bin`]
  await importImage(node, { name: IMAGE, fill, entrypoint: ['/bin/bash'], environment })
  const accounts = await readFile(join(root, 'etc', 'passwd'), 'utf8')
  return Number(/^postgres:x:(\d+):/m.exec(accounts)?.[1])
}

interface Wanted {
  readonly outside: string
  readonly namespace: string
  readonly user: number
}

async function startServer(
  client: KubernetesClient,
  { outside, namespace, user }: Wanted,
  context: Context,
): Promise<Place> {
  const server = { name: 'server', image: IMAGE, imagePullPolicy: 'Never', command: ['bash', '-c', SERVER] }
  const spec = { containers: [server], securityContext: { runAsUser: user }, automountServiceAccountToken: false }
  const pod = { metadata: { name: 'db' }, spec: { ...spec, terminationGracePeriodSeconds: 0 } }
  const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig: outside })
  const reach = kubernetesReach.parse({ kind: 'kubernetes', pod: 'db' })
  let isMade = false
  for (const deadline = context.clock.monotonic() + 120_000; ; await context.clock.sleep(500, context.signal))
    try {
      // A new namespace is without the account of its pods for a moment.
      if (!isMade) isMade = await client.create(podsIn(namespace), 'db', pod)
      const place = await findPlace(settings, reach, context)
      await outputOf(place, ['pg_isready', '-h', '/tmp'], context)
      return place
    } catch (error) {
      if (context.signal.aborted || context.clock.monotonic() > deadline) throw error
    }
}

async function outputOf(place: Place, argv: readonly [string, ...string[]], context: Context): Promise<string> {
  const program = await place.start(argv, context)
  program.stdin.end()
  const text = Buffer.concat(await program.stdout.toArray()).toString('utf8')
  const code = await program.ended
  if (code !== 0) throw new Failure('toolFailed', `${argv[0]} ended with ${code}: ${program.stderr()}`)
  return text.trim()
}

/** A process in the namespaces of the node. */
async function nodeProcess(folder: string): Promise<string> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (words[0] === 'containerd' && words.includes(join(folder, 'containerd.toml'))) return pid
  }
  throw new Failure('notFound', `no containerd of the node in ${folder} runs`)
}
