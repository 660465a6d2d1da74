import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { relayRoute } from '../../src/platforms/routes/relays/relay-route.ts'
import { placeContext } from '../../src/platforms/testing/place-contract.ts'
import { settled, write } from '../../src/platforms/testing/program-bytes.ts'
import { folderOfPrograms } from '../parts/local-programs.ts'
import { startProcessNamespace, type ProcessNamespace } from '../parts/process-namespace.ts'

/**
 * A server that is process 1 of its container, as in the official image of PostgreSQL, takes every orphan there for a child of its
 * own. PostgreSQL ends all sessions when one ended by a signal, or with another code than 0 and 1. So no relay may leave such a one.
 */
const relays: readonly { readonly name: string; readonly programs: Readonly<Record<string, string>> }[] = [
  { name: 'bash', programs: { bash: 'bash', dd: 'dd', sleep: 'sleep' } },
  { name: 'bash', programs: { bash: 'bash', dd: 'busybox', sleep: 'busybox' } },
  { name: 'perl', programs: { perl: 'perl' } },
  { name: 'python3', programs: { python3: 'python3' } },
  { name: 'socat', programs: { socat: 'socat' } },
  { name: 'nc (traditional)', programs: { nc: 'nc.traditional' } },
  { name: 'nc (BusyBox)', programs: { nc: 'busybox', sh: 'busybox', dd: 'busybox', sleep: 'busybox' } },
  { name: 'busybox nc (BusyBox)', programs: { busybox: 'busybox' } },
]

const MEBIBYTE = Buffer.alloc(1024 * 1024)
/** Which of two processes ends first is chance. */
const ROUNDS = process.env['HOLDFAST_SOAK'] === '1' ? 12 : 3
const context = placeContext()

interface Scene {
  readonly stream: Duplex
  /** The server's side. */
  readonly socket: Socket
  readonly inside: ProcessNamespace
}

const mebibytes = (count: number): Buffer[] => Array.from({ length: count }, () => MEBIBYTE)
const much = (into: Duplex): Promise<void> => write(into, mebibytes(50)).catch(() => {})
const over = (stream: Duplex): Promise<unknown> =>
  settled(new Promise((resolve) => stream.resume().once('end', resolve).once('close', resolve)))
const soon = (): Promise<void> => sleep(150)

const scenes: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  async 'the server closes first, after all that it said'({ stream, socket }) {
    void write(socket, mebibytes(3)).then(() => socket.end())
    await over(stream)
  },
  async 'the server closes first, while we write'({ stream, socket }) {
    void much(stream)
    await soon()
    socket.resume().end()
    await over(stream)
  },
  async 'the client ends first, and the server then'({ stream, socket }) {
    socket.resume().once('end', () => socket.end('bye'))
    stream.end('the last')
    await over(stream)
  },
  async 'the client ends first, and the server goes on'({ stream, socket }) {
    void much(socket)
    stream.end('the last')
    await over(stream)
  },
  async 'what was started is killed while all is still'({ inside }) {
    await inside.killStarted()
    await soon()
  },
  async 'what was started is killed while the server sends'({ inside, stream, socket }) {
    void much(socket)
    await once(stream.resume(), 'data')
    await inside.killStarted()
    await soon()
  },
  async 'what was started is killed while we send'({ inside, stream, socket }) {
    void much(stream)
    await once(socket.resume(), 'data')
    await inside.killStarted()
    await soon()
  },
  async 'the server resets while all is still'({ stream, socket }) {
    socket.resetAndDestroy()
    await over(stream)
  },
  async 'the server resets while we write'({ stream, socket }) {
    void much(stream)
    await soon()
    socket.resetAndDestroy()
    await over(stream)
  },
  async 'the server dies in the middle of 50 MB, and we read'({ stream, socket }) {
    void much(socket)
    await once(stream.resume(), 'data')
    socket.destroy()
    await over(stream)
  },
  async 'the server dies in the middle of 50 MB, and we do not read'({ stream, socket }) {
    void much(socket)
    await soon()
    socket.destroy()
    stream.destroy()
  },
  async 'the streams are cut while all is still'({ stream }) {
    stream.destroy()
  },
  async 'the streams are cut while the server sends'({ stream, socket }) {
    void much(socket)
    await once(stream.resume(), 'data')
    stream.destroy()
  },
  async 'the streams are cut while both send'({ stream, socket }) {
    void much(socket)
    void much(stream)
    await soon()
    stream.destroy()
  },
}

const canUnshare = process.getuid?.() === 0

const folders = await Promise.all(relays.map(({ programs }) => folderOfPrograms(programs)))
for (const [index, { name, programs }] of relays.entries()) {
  const PATH = folders[index]
  const skip = !canUnshare && 'it needs root'
  describe(`orphans of a relay by ${name} (${Object.values(programs).join(', ')})`, { skip, timeout: 600_000 }, () => {
    let inside: ProcessNamespace | undefined
    before(async () => (inside = await startProcessNamespace({ PATH: PATH ?? '' })))
    after(() => inside?.end())
    for (const [what, act] of Object.entries(scenes))
      test(what, async () => {
        assert.ok(inside !== undefined)
        await play(inside, name, act)
        const bad = (await inside.orphans()).filter((line) => !/ [01]$/.test(line))
        assert.deepEqual(bad, [])
      })
  })
}

test('an orphan that ends by a signal is seen', { skip: !canUnshare && 'it needs root' }, async () => {
  const inside = await startProcessNamespace({ PATH: '/usr/bin:/bin' })
  const text = `sh -c 'sleep 0.3; kill -TERM $$' & sh -c 'sleep 0.3; exit 7' & exit 0`
  const { ended } = await inside.place.start(['sh', '-c', text], context)
  await ended
  assert.deepEqual((await inside.orphans()).filter((line) => !line.startsWith('sleep ')).toSorted(), [
    'sh 7',
    'sh signal 15',
  ])
  await inside.end()
})

/** All are open before the first acts, so that none is hit by the act of another. */
async function play(inside: ProcessNamespace, name: string, act: (scene: Scene) => Promise<unknown>): Promise<void> {
  const opened = await Promise.all(Array.from({ length: ROUNDS }, () => open(inside, name)))
  try {
    await Promise.all(opened.map(act))
  } finally {
    for (const { end } of opened) end()
  }
}

async function open(inside: ProcessNamespace, name: string): Promise<Scene & { readonly end: () => void }> {
  const server = createServer({ allowHalfOpen: true })
  const taken = once(server, 'connection')
  await once(server.listen(0, '127.0.0.1'), 'listening')
  // The address of a TCP server that listens is never null nor a path.
  const route = await relayRoute(inside.place, { port: (server.address() as AddressInfo).port }, context)
  assert.equal(route.name, `exec-relay by ${name}`)
  const stream = await route.open(context)
  stream.on('error', () => {})
  // What a server of this module emits.
  const [socket] = (await taken) as [Socket]
  socket.on('error', () => {})
  const end = (): void => {
    stream.destroy()
    socket.destroy()
    server.close()
  }
  return { stream, socket, inside, end }
}
