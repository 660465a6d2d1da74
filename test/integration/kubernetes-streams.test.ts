import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Readable, type Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure } from '../../src/core/failure.ts'
import { KubernetesClient } from '../../src/platforms/kubernetes/client.ts'
import { podsIn } from '../../src/platforms/kubernetes/resources.ts'
import type { ClusterAccess } from '../../src/platforms/kubernetes/access.ts'
import { kubeconfigAccess } from '../../src/platforms/kubernetes/kubeconfig.ts'
import { execIn } from '../../src/platforms/kubernetes/streams/exec.ts'
import { forwardTo } from '../../src/platforms/kubernetes/streams/port-forward.ts'
import { startCluster } from '../parts/kubernetes-cluster.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const context = testContext()
const access: ClusterAccess = await kubeconfigAccess(kubernetes.kubeconfig, undefined, context)
const namespace = await restrictedNamespace(kubernetes)
await startPod(kubernetes, namespace, 'app', {
  command: ['nc', '-ll', '-p', '7777', '-e', 'head', '-c', '67108864', '/dev/zero'],
})
const target = { namespace, pod: 'app', container: 'main' }
const MEGABYTE = 1024 * 1024

test('a program gets its input to the end, and gives output, errors and its exit code', async () => {
  const program = await execIn(access, target, ['sh', '-c', 'cat; echo "to people" >&2; exit 3'], context)
  program.stdin.end('some input')
  assert.equal(await text(program.stdout), 'some input')
  assert.equal(await program.ended, 3)
  assert.equal(program.stderr(), 'to people\n')
})

test('a program that is not there is notFound, and a pod that is not there too', async () => {
  const program = await execIn(access, target, ['no-such-program'], context)
  await assert.rejects(program.ended, (error) => isFailure(error, 'notFound'))
  await assert.rejects(text(program.stdout), (error) => isFailure(error, 'notFound'))
  await assert.rejects(execIn(access, { ...target, pod: 'none' }, ['cat'], context), (error) =>
    isFailure(error, 'notFound'),
  )
})

test('a slow reader holds the program back, and gets every byte', async () => {
  const program = await execIn(access, target, ['sh', '-c', 'head -c 67108864 /dev/zero'], context)
  program.stdin.end()
  await sleep(1_500)
  assert.ok(process.memoryUsage().arrayBuffers < 16 * MEGABYTE, `${process.memoryUsage().arrayBuffers} bytes are held`)
  let length = 0
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    if (length < MEGABYTE) await sleep(5)
    length += chunk.length
  }
  assert.equal(length, 64 * MEGABYTE)
  assert.equal(await program.ended, 0)
})

test('a slow program holds the writer back, and gets every byte', async () => {
  const program = await execIn(access, target, ['sh', '-c', 'sleep 2; wc -c'], context)
  let given = 0
  const source = Readable.from(
    (async function* () {
      for (let n = 0; n < 64; n += 1) {
        given += MEGABYTE
        yield Buffer.alloc(MEGABYTE)
        await sleep(0)
      }
    })(),
  )
  const writing = pipeline(source, program.stdin)
  await sleep(1_500)
  assert.ok(given < 48 * MEGABYTE, `${given} bytes were taken while nobody read`)
  await writing
  assert.equal((await text(program.stdout)).trim(), String(64 * MEGABYTE))
})

test('64 MiB through a forward to a slow reader are held back, and every byte comes', async () => {
  const stream = await forwardTo(access, { ...target, port: 7777 }, context)
  await sleep(1_500)
  const before = process.memoryUsage().arrayBuffers
  assert.ok(before < 16 * MEGABYTE, `${before} bytes are held`)
  let length = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (length < MEGABYTE) await sleep(5)
    length += chunk.length
  }
  assert.equal(length, 64 * MEGABYTE)
})

/** An HTTP proxy that asks for a login. `cut` ends all that goes through it. */
async function startProxy(): Promise<{ readonly url: string; readonly seen: () => number; readonly cut: () => void }> {
  const open = new Set<Duplex>()
  let seen = 0
  const proxy = createServer().on('connect', ({ url = '', headers }: IncomingMessage, near: Duplex) => {
    const login = `Basic ${Buffer.from('user:canary').toString('base64')}`
    if (headers['proxy-authorization'] !== login) return void near.end('HTTP/1.1 407 Who are you\r\n\r\n')
    const [host, port] = url.split(':')
    const far = connect(Number(port), host, () => near.write('HTTP/1.1 200 Fine\r\n\r\n'))
    seen += 1
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  after(() => proxy.close())
  const { port } = proxy.address() as AddressInfo
  return { url: `127.0.0.1:${port}`, seen: () => seen, cut: () => open.forEach((socket) => socket.destroy()) }
}

test('all goes through the proxy of the kubeconfig, and a connection that it cuts is no end of a program', async () => {
  const proxy = await startProxy()
  const withProxy = async (url: string): Promise<ClusterAccess> => {
    const kubeconfig = await kubernetes.writeKubeconfig({ token: kubernetes.adminToken }, { 'proxy-url': url })
    return await kubeconfigAccess(kubeconfig, undefined, context)
  }
  const through = await withProxy(`http://user:canary@${proxy.url}`)
  const client = new KubernetesClient(through, 1, context)
  assert.ok((await client.get(podsIn(namespace), 'app')) !== undefined)
  client.close()
  assert.equal(proxy.seen(), 1)
  const program = await execIn(through, target, ['sh', '-c', 'echo half; cat'], context)
  assert.equal(proxy.seen(), 2)
  program.stdout.once('data', () => proxy.cut())
  await assert.rejects(text(program.stdout), (error) => isFailure(error, 'unreachable'))
  await assert.rejects(
    program.ended,
    (error: unknown) => isFailure(error, 'unreachable') && /was cut/.test(error.message),
  )
  const denied = execIn(await withProxy(`http://${proxy.url}`), target, ['cat'], context)
  await assert.rejects(
    denied,
    (error: unknown) => isFailure(error, 'unreachable') && /answered with 407/.test(error.message),
  )
})
