import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure } from '../../src/core/failure.ts'
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
after(() => kubernetes.must('DELETE', `/api/v1/namespaces/${namespace}`))

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
