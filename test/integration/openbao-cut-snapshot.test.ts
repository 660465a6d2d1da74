import assert from 'node:assert/strict'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Failure } from '../../src/core/failure.ts'
import { startKeysLab } from '../e2e/keys-lab.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { captureToMemory } from '../parts/openbao-points.ts'

/** The server sends a snapshot without its length: what a broken line leaves of one must not pass for a whole one. */
const bao = await startOpenbao('raft')
const limit = { timeout: 300_000 }
await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 10; n += 1) await bao.must('POST', `s/data/${n}`, { data: { text: `${n}`.repeat(20_000) } })

const token = bao.server.rootToken.reveal()
const lab = await startKeysLab({ BAO_TOKEN: token })
const whole = await fetch(`${bao.server.address}/v1/sys/storage/raft/snapshot`, { headers: { 'X-Vault-Token': token } })
  .then((answer) => answer.arrayBuffer())
  .then((bytes) => Buffer.from(bytes))
const tar = gunzipSync(whole)
const half = whole.subarray(0, whole.length / 2)

/** What goes down the line instead of the snapshot, after the first line of the answer; then the line ends. */
type Wire = readonly Buffer[]
const head = (more: string): Buffer => Buffer.from(`Content-Type: application/gzip\r\n${more}\r\n`)
const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
const END = Buffer.from('0\r\n\r\n')
const CHUNKED = head('Transfer-Encoding: chunked\r\n')
const chunked = (bytes: Buffer): Wire => [CHUNKED, chunk(bytes.subarray(0, 5000)), chunk(bytes.subarray(5000)), END]
const untilClosed = (bytes: Buffer): Wire => [head('Connection: close\r\n'), bytes]
const withLength = (bytes: Buffer, length: number): Wire => [head(`Content-Length: ${length}\r\n`), bytes]

const address = await startCutting()
let wire: Wire = chunked(whole)

/** Between us and the server, byte for byte; only the answer to the request for the snapshot is ours. */
async function startCutting(): Promise<string> {
  const sockets = new Set<Socket>()
  const { hostname, port } = new URL(bao.server.address)
  const proxy = createServer((socket) => {
    const upstream = createConnection(Number(port), hostname)
    for (const one of [socket, upstream]) sockets.add(one.on('error', () => {}))
    upstream.pipe(socket)
    socket.on('close', () => upstream.destroy())
    socket.on('data', (bytes: Buffer) => {
      if (!bytes.toString('latin1').startsWith('GET /v1/sys/storage/raft/snapshot ')) return void upstream.write(bytes)
      upstream.unpipe(socket)
      socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), ...wire]))
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  after(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  // The address of a TCP server that listens is never null nor a path.
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

const settings = (): ReturnType<typeof bao.settings> => bao.settings({ address, snapshot: 'require', retrySeconds: 1 })
const withoutSums = tar.subarray(0, tar.indexOf('SHA256SUMS'))

for (const [what, sent] of [
  ['in chunks', chunked(whole)],
  ['with its length', withLength(whole, whole.length)],
  ['until the line ends', untilClosed(whole)],
] as const)
  test(`a whole snapshot is taken, sent ${what}`, limit, async () => {
    wire = sent
    assert.equal((await captureToMemory(settings())).details.snapshot?.bytes, tar.length)
  })

const CUT = /the raft snapshot (ended early|is not whole)|raft\/snapshot: the answer broke off/
for (const [what, kind, sent] of [
  ['cut in a chunk', 'unreachable', [CHUNKED, chunk(whole).subarray(0, half.length)]],
  ['without its last chunk, and without an end', 'unreachable', [CHUNKED, chunk(half)]],
  ['without its last chunk, with an end', 'unreachable', [CHUNKED, chunk(half), END]],
  ['whole, and without an end', 'unreachable', [CHUNKED, chunk(whole)]],
  ['cut with a length', 'unreachable', withLength(half, whole.length)],
  ['cut with the length of what is left', 'unreachable', withLength(half, half.length)],
  ['cut where only the line ends', 'unreachable', untilClosed(half)],
  ['without the last byte of its gzip', 'unreachable', chunked(whole.subarray(0, -1))],
  ['without the sum of its gzip', 'unreachable', chunked(whole.subarray(0, -8))],
  ['empty', 'unreachable', withLength(Buffer.alloc(0), 0)],
  ['a whole gzip of half a tar', 'corrupt', chunked(gzipSync(tar.subarray(0, tar.length / 2)))],
  ['a whole gzip of a tar without its sums', 'corrupt', chunked(gzipSync(withoutSums))],
  ['a whole gzip of nothing', 'corrupt', chunked(gzipSync(''))],
  ['no gzip', 'unreachable', withLength(Buffer.from('{"errors":[]}'), 13)],
] as const)
  test(`a snapshot that is ${what} is none`, limit, async () => {
    wire = sent
    await assert.rejects(captureToMemory(settings()), (error: unknown) => {
      assert.ok(error instanceof Failure)
      assert.deepEqual([error.kind, CUT.test(error.message)], [kind, true], error.message)
      assert.ok(error.hint !== undefined, error.message)
      return true
    })
  })

test('a backup whose snapshot is cut makes no restore point, and the next whole one does', limit, async () => {
  await lab.configure({ kind: 'openbao', address, token: 'env:BAO_TOKEN', retrySeconds: 1 })
  wire = [CHUNKED, chunk(half), END]
  const failed = await lab.run('backup')
  assert.equal(failed.code, 20, `${failed.out}${failed.error}`)
  assert.match(`${failed.out}${failed.error}`, /raft snapshot/)
  const points = async (): Promise<unknown[]> =>
    (JSON.parse(await lab.must('points', '--json')) as { points: unknown[] }).points
  assert.deepEqual(await points(), [])
  wire = chunked(whole)
  await lab.must('backup')
  assert.equal((await points()).length, 1)
})
