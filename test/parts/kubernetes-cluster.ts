import { randomBytes, generateKeyPairSync } from 'node:crypto'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/system/free-port.ts'
import { endServer, spawnDyingWithUs } from './child-server.ts'
import { buildControlPlane } from './kubernetes-build.ts'
import { importImages } from './kubernetes-images.ts'
import { containerdConfig, kubeletConfig, kubeconfigOf, networkConfig } from './kubernetes-node-files.ts'
import { at, request, serverFlags, testKubernetes, untilReady, type TestKubernetes } from './kubernetes.ts'

/** A real cluster of one node. */
export interface TestCluster {
  readonly kubernetes: TestKubernetes
  /** The folder of its node: logs of all servers, and the socket of containerd. */
  readonly folder: string
}

interface Description {
  readonly folder: string
  readonly port: number
  readonly token: string
}

const READY_LIMIT = 120_000
/** Inside a network of their own, so that every cluster has these. */
const ETCD = ['http://127.0.0.1:2379', 'http://127.0.0.1:2380'] as const
const API_PORT = 6443

/**
 * A cluster with one node: its own namespaces of network, mounts and processes, so that nothing of it is left when it ends,
 * however that happens. Or the running one that HOLDFAST_TEST_CLUSTER names: the file of `scripts/keep-cluster.ts`.
 * To be called at the top of the file. Needs root, and on Debian containerd, runc, containernetworking-plugins, iproute2, busybox-static.
 */
export async function startCluster(): Promise<TestCluster> {
  const { HOLDFAST_TEST_CLUSTER: file } = process.env
  if (file !== undefined) return await clusterOf(JSON.parse(await readFile(file, 'utf8')))
  const { description, end } = await startNode()
  after(end)
  return await clusterOf(description)
}

async function clusterOf({ folder, port, token }: Description): Promise<TestCluster> {
  const ca = await readFile(join(folder, 'certificates', 'apiserver.crt'), 'utf8')
  const own = await mkdtemp(join(tmpdir(), 'holdfast-cluster-'))
  after(() => rm(own, { recursive: true, force: true }))
  return { kubernetes: await testKubernetes(own, `https://127.0.0.1:${port}`, ca, token), folder }
}

export async function startNode(): Promise<{ readonly description: Description; readonly end: () => Promise<void> }> {
  const program = await buildControlPlane()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-node-'))
  const [token, port] = [randomBytes(16).toString('hex'), await freePort()]
  await writeFiles(folder, token)
  const socket = join(folder, 'api.sock')
  const servers = [
    spawnDyingWithUs(
      '/usr/bin/unshare',
      [...NAMESPACES, '/bin/sh', '-c', SCRIPT, 'node', folder, program, ...flagsOf(folder)],
      {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    ),
    spawnDyingWithUs(program, ['join', 'tcp', `127.0.0.1:${port}`, 'unix', socket]),
  ]
  const end = async (): Promise<void> => {
    const containers = await containersIn(folder)
    for (const server of servers) await endServer(server)
    await removeGroups(containers)
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
  try {
    await untilReady(port, join(folder, 'certificates', 'apiserver.crt'), servers)
    await untilSocket(join(folder, 'containerd.sock'))
    await importImages(folder)
    const ca = await readFile(join(folder, 'certificates', 'apiserver.crt'), 'utf8')
    await untilNode(port, ca, token)
  } catch (error) {
    await end()
    throw error
  }
  return { description: { folder, port, token }, end }
}

/** None where containerd never came up. */
async function containersIn(folder: string): Promise<readonly string[]> {
  const listing = ['-a', join(folder, 'containerd.sock'), '--timeout', '5s', '-n', 'k8s.io', 'containers', 'ls', '-q']
  const { stdout } = await promisify(execFile)('ctr', listing).catch(() => ({ stdout: '' }))
  return stdout.split('\n').filter((id) => id !== '')
}

/** Control groups are in no namespace of ours, and outlive their processes. */
async function removeGroups(containers: readonly string[]): Promise<void> {
  const folders = containers.flatMap((id) => globSync(`/sys/fs/cgroup/{*/,}k8s.io/${id}`))
  await Promise.allSettled(folders.map((each) => rmdir(each)))
}

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

/** $1: the folder; $2: the program; the rest: flags of the API server. All ends with this process, the first of its namespace. */
const SCRIPT = `
folder=$1 program=$2; shift 2
mount -t tmpfs none /run
mkdir -p /run/netns /var/lib/kubelet
mount -t tmpfs none /var/lib/kubelet
mount -t tmpfs none /var/log
ip link set lo up
ip link add node0 type bridge
ip addr add 10.77.0.1/24 dev node0
ip link set node0 up
ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
"$program" etcd "$folder/etcd" ${ETCD[0]} ${ETCD[1]} >"$folder/etcd.log" 2>&1 &
"$program" kube-apiserver "$@" >"$folder/apiserver.log" 2>&1 &
"$program" join unix "$folder/api.sock" tcp 127.0.0.1:${API_PORT} >"$folder/join.log" 2>&1 &
containerd -c "$folder/containerd.toml" >"$folder/containerd.log" 2>&1 &
until [ -s "$folder/certificates/apiserver.crt" ]; do sleep 0.2; done
"$program" kube-controller-manager --kubeconfig="$folder/admin.kubeconfig" --service-account-private-key-file="$folder/service-account.key" \\
  --root-ca-file="$folder/certificates/apiserver.crt" --leader-elect=false --bind-address=127.0.0.1 \\
  --horizontal-pod-autoscaler-sync-period=2s >"$folder/controllers.log" 2>&1 &
"$program" kube-scheduler --kubeconfig="$folder/admin.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 >"$folder/scheduler.log" 2>&1 &
until [ -e "$folder/images-are-there" ]; do sleep 0.2; done
"$program" kubelet --config="$folder/kubelet.yaml" --kubeconfig="$folder/admin.kubeconfig" --hostname-override=node1 --node-ip=10.77.0.1 \\
  --root-dir="$folder/kubelet" --cert-dir="$folder/kubelet-certificates" >"$folder/kubelet.log" 2>&1 &
wait
`

function flagsOf(folder: string): string[] {
  return [
    ...serverFlags(folder, join(folder, 'service-account.key'), ETCD[0], API_PORT),
    '--allow-privileged=true',
    '--kubelet-preferred-address-types=InternalIP',
    '--advertise-address=10.77.0.1',
  ]
}

async function writeFiles(folder: string, token: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 })
  await write('service-account.key', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())
  await write('tokens.csv', `${token},admin,1,"system:masters"\n`)
  await write('admin.kubeconfig', kubeconfigOf(folder, `https://127.0.0.1:${API_PORT}`, token))
  await write('containerd.toml', containerdConfig(folder))
  await write('kubelet.yaml', kubeletConfig(folder))
  await write('10-pods.conflist', networkConfig(folder))
}

async function untilSocket(path: string): Promise<void> {
  await until(`${path} answers`, async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const socket = createConnection(path, () => resolve(true)).on('error', () => resolve(false))
    const is = await promise
    socket.destroy()
    return is
  })
}

async function untilNode(port: number, ca: string, token: string): Promise<void> {
  const agent = new https.Agent({ ca })
  await until('the node is ready', async () => {
    const url = `https://127.0.0.1:${port}/api/v1/nodes/node1`
    const { body } = await request(agent, url, 'GET', undefined, token)
    const conditions = at(body, 'status', 'conditions')
    return (
      Array.isArray(conditions) && conditions.some((one) => at(one, 'type') === 'Ready' && at(one, 'status') === 'True')
    )
  })
}

/** Waits until it is so; fails after two minutes. */
export async function until(what: string, is: () => Promise<boolean>, limit = READY_LIMIT): Promise<void> {
  const end = Date.now() + limit
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`after ${limit / 1000} s it is not so that ${what}`)
    await sleep(200)
  }
}
