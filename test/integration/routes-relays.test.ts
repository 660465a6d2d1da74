import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, describe, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { relayRoute } from '../../src/platforms/routes/relays/relay-route.ts'
import type { Door, Route } from '../../src/platforms/routes/route.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { placeContext } from '../../src/platforms/testing/place-contract.ts'
import { hashOf, heldBytes, numbers, until, write } from '../../src/platforms/testing/program-bytes.ts'
import { systemClock } from '../../src/system/clock.ts'
import { freePort } from '../../src/system/free-port.ts'
import { folderOfPrograms } from '../parts/local-programs.ts'

const MEBIBYTE = 1024 * 1024
const context = placeContext()
const shell = { dd: 'dd', sleep: 'sleep' }

interface Tried {
  readonly name: string
  readonly programs: Readonly<Record<string, string>>
  readonly unix: boolean
  /** Whether a connection that is reset is told from one that ended. */
  readonly tellsReset: boolean
  /** Some wait for one side to take before they read from the other. No session of PostgreSQL sends much both ways at once. */
  readonly bothWaysAtOnce: boolean
}

const all: readonly Tried[] = [
  { name: 'bash', programs: { bash: 'bash', ...shell }, unix: false, tellsReset: true, bothWaysAtOnce: true },
  {
    name: 'bash',
    programs: { bash: 'bash', dd: 'busybox', sleep: 'busybox' },
    unix: false,
    tellsReset: true,
    bothWaysAtOnce: true,
  },
  { name: 'perl', programs: { perl: 'perl' }, unix: true, tellsReset: true, bothWaysAtOnce: true },
  { name: 'python3', programs: { python3: 'python3' }, unix: true, tellsReset: true, bothWaysAtOnce: true },
  { name: 'socat', programs: { socat: 'socat' }, unix: true, tellsReset: false, bothWaysAtOnce: true },
  {
    name: 'nc (traditional)',
    programs: { nc: 'nc.traditional' },
    unix: false,
    tellsReset: false,
    bothWaysAtOnce: false,
  },
  {
    name: 'nc (BusyBox)',
    programs: { nc: 'busybox', sh: 'busybox', dd: 'busybox', sleep: 'busybox' },
    unix: false,
    tellsReset: false,
    bothWaysAtOnce: false,
  },
  {
    name: 'busybox nc (BusyBox)',
    programs: { busybox: 'busybox' },
    unix: false,
    tellsReset: false,
    bothWaysAtOnce: false,
  },
]

const folders = await Promise.all(all.map(({ programs }) => folderOfPrograms(programs)))
for (const [index, tried] of all.entries()) {
  const PATH = folders[index]
  describe(`a relay by ${tried.name}`, { timeout: 60_000 }, () => {
    const place = placeWith(PATH ?? '')
    const routeTo = (door: Door): Promise<Route> => relayRoute(place, door, context)
    relayTests(tried, place, routeTo)
  })
}

function placeWith(PATH: string): LocalPlace {
  return new LocalPlace({ environment: { PATH, LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] ?? '' } })
}

function relayTests(tried: Tried, place: LocalPlace, routeTo: (door: Door) => Promise<Route>): void {
  const open = async (server: Server): Promise<Duplex> => {
    const route = await routeTo({ port: portOf(server) })
    assert.equal(route.name, `exec-relay by ${tried.name}`)
    return route.open(context)
  }

  test('10 MiB go there, and 10 MiB come', async () => {
    const length = 10 * MEBIBYTE
    const stream = await open(await listening((socket) => void answerWithHash(socket, length)))
    await write(stream, numbers(length))
    const found = await hashOf(stream)
    const { hash } = await hashOf(numbers(length))
    assert.deepEqual(found, await hashOf([Buffer.from(hash), ...numbers(length)]))
    await assertNoneLeft(place)
  })

  test('10 MiB go both ways at once', { skip: !tried.bothWaysAtOnce }, async () => {
    const stream = await open(await listening((socket) => socket.pipe(socket)))
    await assertEcho(stream)
    stream.destroy()
    await assertNoneLeft(place)
  })

  test('a server that ends is the end, after all that it said', async () => {
    const stream = await open(
      await listening((socket) => {
        socket.resume()
        for (const chunk of numbers(3 * MEBIBYTE)) socket.write(chunk)
        socket.end()
      }),
    )
    // All of it waits while nobody reads.
    await systemClock.sleep(300, context.signal)
    assert.deepEqual(await hashOf(stream), await hashOf(numbers(3 * MEBIBYTE)))
    await assertNoneLeft(place)
  })

  test('a server that ends while we write lets us hear what it said', async () => {
    const stream = await open(await listening((socket) => void socket.once('data', () => socket.end('no more'))))
    stream.on('error', () => {})
    const said = firstOf(stream)
    for (let round = 0; round < 5 && !stream.destroyed; round += 1) {
      stream.write('go on')
      await systemClock.sleep(50, context.signal)
    }
    assert.equal(await said, 'no more')
    stream.destroy()
    await assertNoneLeft(place)
  })

  test('nothing stays inside when we leave a server that goes on', async () => {
    const stream = await open(await listening((socket) => socket.write('here')))
    assert.equal(await firstOf(stream), 'here')
    assert.notEqual((await place.processes()).length, 0)
    stream.destroy()
    await assertNoneLeft(place)
  })

  test('nothing stays inside when we leave a server that sends and is not read', async () => {
    const held = heldBytes()
    const megabyte = Buffer.alloc(MEBIBYTE)
    const endless = Array.from({ length: 1000 }, () => megabyte)
    const server = await listening((socket) => void write(socket, endless).catch(() => {}))
    const stream = await open(server)
    await firstOf(stream)
    await systemClock.sleep(1500, context.signal)
    assert.ok(heldBytes() - held < 100 * MEBIBYTE, `${heldBytes() - held} bytes are held`)
    stream.destroy()
    await assertNoneLeft(place)
  })

  test('the end of our input reaches the server, and what does not come to its end is an error', async () => {
    const ended = Promise.withResolvers<void>()
    const stream = await open(
      await listening((socket) => {
        socket.write('half a mess')
        socket.resume().once('end', ended.resolve)
      }),
    )
    const reading = hashOf(stream)
    stream.end('the last')
    await assert.rejects(reading, (error) => isFailure(error, 'unreachable'))
    await ended.promise
    await assertNoneLeft(place)
  })

  test('a connection that is reset is an error', { skip: !tried.tellsReset }, async () => {
    const stream = await open(
      await listening((socket) => {
        socket.write('half a mess')
        setTimeout(() => socket.resetAndDestroy(), 200)
      }),
    )
    await assert.rejects(hashOf(stream), (error) => isFailure(error, 'unreachable'))
    await assertNoneLeft(place)
  })

  test('a port where nobody listens is an error that says so', async () => {
    const stream = await (await routeTo({ port: await freePort() })).open(context)
    await assert.rejects(
      hashOf(stream),
      (error) => isFailure(error, 'unreachable') && /ended before/.test(error.message),
    )
    await assertNoneLeft(place)
  })

  test('a place that goes away cuts the stream', async () => {
    const other = placeWith((await place.variable('PATH', context)) ?? '')
    const server = await listening((socket) => socket.write('half a mess'))
    const route = await relayRoute(other, { port: portOf(server) }, context)
    const stream = await route.open(context)
    const reading = hashOf(stream)
    await systemClock.sleep(200, context.signal)
    other.remove()
    await assert.rejects(reading, (error) => isFailure(error, 'unreachable'))
  })

  test('a socket inside, whatever its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast relay,:!"$'))
    after(() => rm(folder, { recursive: true, force: true }))
    const door = { port: 5432, socket: join(folder, `.s.'PGSQL`) }
    if (!tried.unix)
      return assert.rejects(
        routeTo(door),
        (error) => isFailure(error, 'unsupported') && /cannot reach unix/.test(error.message),
      )
    await listening((socket) => socket.pipe(socket), door.socket)
    const stream = await (await routeTo(door)).open(context)
    await assertEcho(stream)
    stream.destroy()
    await assertNoneLeft(place)
  })
}

/** Reads so many bytes, says their hash, and sends as many. */
async function answerWithHash(socket: Socket, length: number): Promise<void> {
  const { hash } = await hashOf(taken(socket, length))
  socket.write(hash)
  await write(socket, numbers(length))
  socket.end()
}

async function assertEcho(stream: Duplex): Promise<void> {
  const length = 10 * MEBIBYTE
  const writing = write(stream, numbers(length))
  const found = hashOf(taken(stream, length))
  await writing
  assert.deepEqual(await found, await hashOf(numbers(length)))
}

/** The first bytes of a stream that does not end. */
async function* taken(stream: Duplex, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    // A stream without an encoding gives bytes.
    yield chunk as Uint8Array
    left -= (chunk as Uint8Array).length
    if (left <= 0) return
  }
}

function firstOf(stream: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject)
    stream.once('data', (chunk: Buffer) => {
      stream.pause()
      resolve(chunk.toString('latin1'))
    })
  })
}

async function listening(serve: (socket: Socket) => void, path?: string): Promise<Server> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(path, resolve)
  })
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return server
}

/** The address of a TCP server that listens is never null nor a path. */
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function assertNoneLeft(place: LocalPlace): Promise<void> {
  await until(async () => (await place.processes()).length === 0, 8000)
  assert.deepEqual(await place.processes(), [])
}
