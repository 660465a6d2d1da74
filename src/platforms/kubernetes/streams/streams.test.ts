import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { WebSocketServer, type WebSocket } from 'ws'
import { isFailure, type FailureKind } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import type { ClusterAccess } from '../access.ts'
import { execIn } from './exec.ts'
import { forwardTo } from './port-forward.ts'

const contextWith = (signal: AbortSignal): Context => ({
  clock: systemClock,
  effects: directEffects,
  signal,
  progress: () => {},
})
const context = contextWith(new AbortController().signal)
const target = { namespace: 'app', pod: 'db-0', container: 'postgres' }
const limits = { connect: 1_000, ping: 20, silence: 100, busy: 400 }
const SUCCESS = JSON.stringify({ kind: 'Status', status: 'Success' })
const frame = (channel: number, data: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(data)])

interface Asked {
  readonly request: IncomingMessage
  readonly socket: WebSocket
}

/** What the API server says to one request is said by `act`. */
async function serverOf(
  t: TestContext,
  act: (asked: Asked) => void,
  protocol = 'v5.channel.k8s.io',
  server: Server = createServer(),
): Promise<ClusterAccess> {
  const sockets = new WebSocketServer({ server, handleProtocols: () => protocol })
  sockets.on('connection', (socket, request) => act({ socket, request }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
    server.closeAllConnections()
  })
  return accessTo(server)
}

function accessTo(server: Server): ClusterAccess {
  const { port } = server.address() as AddressInfo
  return {
    server: `http://127.0.0.1:${port}`,
    context: 'test',
    ca: undefined,
    insecure: false,
    serverName: undefined,
    certificate: undefined,
    token: () => Promise.resolve(new Secret('canary')),
    namespace: undefined,
  }
}

const failing = (kind: FailureKind, pattern: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, kind), String(error))
  assert.match(error.message, pattern)
  return true
}

test('the request names the program, its container and the login', async (t) => {
  const seen = Promise.withResolvers<IncomingMessage>()
  const access = await serverOf(t, ({ socket, request }) => {
    seen.resolve(request)
    socket.send(frame(3, SUCCESS))
  })
  const program = await execIn(access, target, ['cat', 'a b', '-x'], context)
  assert.equal(await program.ended, 0)
  const { url = '', headers } = await seen.promise
  assert.match(
    url,
    /^\/api\/v1\/namespaces\/app\/pods\/db-0\/exec\?container=postgres&.*&command=cat&command=a\+b&command=-x$/,
  )
  assert.equal(headers.authorization, 'Bearer canary')
})

test('a connection that ends without a status is no end of the program', async (t) => {
  for (const end of [(socket: WebSocket) => socket.terminate(), (socket: WebSocket) => socket.close(1000)]) {
    const access = await serverOf(t, ({ socket }) => {
      socket.send(frame(1, 'half'), () => end(socket))
    })
    const program = await execIn(access, target, ['cat'], context)
    await assert.rejects(text(program.stdout), failing('unreachable', /start cat in pod app\/db-0/))
    await assert.rejects(program.ended, failing('unreachable', /the connection (was cut|ended before)/))
    assert.ok(program.stdin.destroyed)
  }
})

test('a server that says nothing more is noticed, sooner where it has nothing of ours to work on', async (t) => {
  const access = await serverOf(t, ({ socket }) => socket.pause())
  const idle = await execIn(access, target, ['cat'], context, limits)
  const began = performance.now()
  await assert.rejects(idle.ended, failing('unreachable', /silent/))
  assert.ok(performance.now() - began < 300)
  const busy = await execIn(access, target, ['cat'], context, limits)
  busy.stdin.write('x')
  await assert.rejects(busy.ended, failing('unreachable', /silent/))
  assert.ok(performance.now() - began > 400)
})

test('a reader that is slow for longer than the limit loses nothing', async (t) => {
  const access = await serverOf(t, ({ socket }) => {
    for (let n = 0; n < 64; n += 1) socket.send(frame(1, Buffer.alloc(64 * 1024, 'x')))
    socket.send(frame(3, SUCCESS), () => socket.close(1000))
  })
  const program = await execIn(access, target, ['cat'], context, limits)
  await systemClock.sleep(300, context.signal)
  assert.equal((await text(program.stdout)).length, 64 * 64 * 1024)
  assert.equal(await program.ended, 0)
})

test('the older protocol runs programs, and says that it cannot end their input', async (t) => {
  const access = await serverOf(
    t,
    ({ socket }) => socket.on('message', () => socket.send(frame(3, SUCCESS))),
    'v4.channel.k8s.io',
  )
  const program = await execIn(access, target, ['cat'], context)
  const error = new Promise((resolve) => program.stdin.once('error', resolve))
  program.stdin.end('x')
  failing('unsupported', /too old/)(await error)
  assert.equal(await program.ended, 0)
})

test('a missing right is named with the command that prints it, and a cancellation ends all', async (t) => {
  const status = { kind: 'Status', reason: 'Forbidden', message: 'pods "db-0" is forbidden' }
  const server = createServer().on('upgrade', (_request, socket) =>
    socket.end(`HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n${JSON.stringify(status)}`),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  await assert.rejects(
    execIn(accessTo(server), target, ['cat'], context),
    failing('denied', /the right to get and create pods\/exec in namespace app is missing/),
  )
  const abort = new AbortController()
  const program = await execIn(await serverOf(t, () => undefined), target, ['cat'], contextWith(abort.signal))
  abort.abort()
  await assert.rejects(program.ended, failing('cancelled', /start cat/))
})

test('a forward leaves out the numbers of its port, however they are cut, and ends as the far side does', async (t) => {
  const access = await serverOf(
    t,
    ({ socket }) => {
      socket.send(frame(0, Buffer.from([0x38])))
      socket.send(frame(1, Buffer.from([0x38, 0x15])))
      socket.send(frame(0, Buffer.concat([Buffer.from([0x15]), Buffer.from('hello ')])))
      socket.on('message', (data) => {
        // Without other settings a message is a Buffer.
        assert.deepEqual([...(data as Buffer)], [0, 0x78])
        socket.send(frame(0, 'you'), () => socket.close(1000))
      })
    },
    'v4.channel.k8s.io',
  )
  const stream = await forwardTo(access, { ...target, port: 5432 }, context)
  stream.write('x')
  assert.equal(await text(stream), 'hello you')
})

test('what the error channel says, and a cut, are the errors of the stream', async (t) => {
  const refusing = await serverOf(
    t,
    ({ socket }) => {
      socket.send(frame(1, Buffer.from([0x38, 0x15])))
      socket.send(frame(1, 'connection\nrefused'))
    },
    'v4.channel.k8s.io',
  )
  const refused = await forwardTo(refusing, { ...target, port: 5432 }, context)
  await assert.rejects(text(refused), failing('unreachable', /port 5432 of pod app\/db-0 failed: connection refused/))
  const cutting = await serverOf(
    t,
    ({ socket }) => socket.send(frame(0, 'ppdata'), () => socket.terminate()),
    'v4.channel.k8s.io',
  )
  const cut = await forwardTo(cutting, { ...target, port: 5432 }, context)
  await assert.rejects(text(cut), failing('unreachable', /was cut/))
})
