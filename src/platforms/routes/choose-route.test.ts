import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { freePort } from '../../system/free-port.ts'
import type { Address } from '../place.ts'
import { isGone } from '../place.ts'
import { LocalPlace } from '../testing/local-place.ts'
import { placeContext } from '../testing/place-contract.ts'
import { chooseRoute } from './choose-route.ts'
import { openDirect } from './direct.ts'
import { probePostgres } from './postgres-start.ts'

const context = placeContext()
const nothing = { environment: { PATH: '/no/such/folder' } }

/** Answers as a PostgreSQL server without TLS does. */
const postgres = await listening((socket) => void socket.once('data', () => socket.write('N')))
/** Takes connections and says nothing of use. */
const other = await listening(
  (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
)
const closed = await freePort()

async function listening(serve: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => serve(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  // The address of a TCP server that listens is never null nor a path.
  return (server.address() as AddressInfo).port
}

const at = (...ports: readonly number[]) => ({
  addresses: (): Address[] => ports.map((port) => ({ host: '127.0.0.1', port })),
})
const forwardTo = (port: number) => ({ forward: () => openDirect({ host: '127.0.0.1', port }, context) })
const wanted = { route: 'auto', probe: probePostgres } as const

test('auto takes the address where the server answers, and passes nothing over', async () => {
  const place = new LocalPlace({ ...nothing, ...at(closed, other, postgres), ...forwardTo(postgres) })
  const { route, passedOver } = await chooseRoute(place, { port: 5432 }, wanted, context)
  assert.deepEqual([route.kind, route.name, passedOver], ['direct', `direct to 127.0.0.1:${postgres}`, []])
  const stream = await route.open(context)
  await probePostgres(stream)
  stream.destroy()
})

test('an address where somebody else answers is passed over for the forward, and auto says why', async () => {
  const place = new LocalPlace({ ...nothing, ...at(closed, other), ...forwardTo(postgres) })
  const { route, passedOver } = await chooseRoute(place, { port: 5432 }, wanted, context)
  assert.equal(route.kind, 'port-forward')
  assert.deepEqual(
    passedOver.map(({ kind }) => kind),
    ['direct'],
  )
  assert.match(passedOver[0]?.why ?? '', /ECONNREFUSED.*; what answers there is no PostgreSQL server/)
})

test('a forward that connects to nothing is passed over for a relay', async () => {
  const place = new LocalPlace({ ...at(), ...forwardTo(other) })
  const { route, passedOver } = await chooseRoute(place, { port: postgres }, wanted, context)
  assert.match(route.name, /^exec-relay by /)
  assert.match(passedOver[0]?.why ?? '', /no address/)
  assert.match(passedOver[1]?.why ?? '', /no PostgreSQL server/)
})

test('where nothing works one failure says each way, why, and the next step', async () => {
  const place = new LocalPlace({ ...nothing, ...at(closed) })
  await assert.rejects(chooseRoute(place, { port: 5432 }, wanted, context), (error) => {
    assert.ok(isFailure(error, 'unsupported'))
    assert.match(error.message, /^no way leads to port 5432 of local place \w+\ndirect: .*ECONNREFUSED/)
    assert.match(
      error.message,
      /\nport-forward: its platform has no port-forward\nexec-relay: no program in .*: bash: is not there, /,
    )
    assert.match(error.hint ?? '', /^Publish the port of the container, or use an image that has bash/)
    return true
  })
})

test('the way that is asked for is the only one that is tried', async () => {
  const place = new LocalPlace({ ...nothing, ...at(postgres) })
  const asked = (route: 'direct' | 'port-forward') => chooseRoute(place, { port: 5432 }, { ...wanted, route }, context)
  assert.equal((await asked('direct')).route.kind, 'direct')
  await assert.rejects(
    asked('port-forward'),
    (error) => isFailure(error, 'unsupported') && !/direct/.test(error.message),
  )
})

test('a socket inside is not reached from outside', async () => {
  const place = new LocalPlace({ ...nothing, ...at(postgres), ...forwardTo(postgres) })
  const door = { port: 5432, socket: '/run/postgresql/.s.PGSQL.5432' }
  await assert.rejects(chooseRoute(place, door, wanted, context), (error) => {
    assert.ok(isFailure(error, 'unsupported'))
    assert.match(error.message, /direct: the socket \/run\/postgresql\/.s.PGSQL.5432 is inside\n/)
    return true
  })
})

test('without a probe a connection that stays open counts, and one that ends at once does not', async () => {
  const place = new LocalPlace()
  const relay = { route: 'exec-relay' } as const
  assert.equal((await chooseRoute(place, { port: postgres }, relay, context)).route.kind, 'exec-relay')
  await assert.rejects(chooseRoute(place, { port: closed }, relay, context), (error) => isFailure(error, 'unreachable'))
})

test('a cancellation is no reason to try the next way', async () => {
  const controller = new AbortController()
  const stuck = { forward: () => new Promise<never>(() => setTimeout(() => controller.abort(new Error('stop')), 50)) }
  const place = new LocalPlace({ ...at(), ...stuck })
  const choosing = chooseRoute(place, { port: postgres }, wanted, placeContext(controller.signal))
  await assert.rejects(choosing, (error) => isFailure(error, 'cancelled'))
})

test('a place that is gone is the error itself, and no way that was passed over', async () => {
  const place = new LocalPlace({ ...nothing, ...at(closed), ...forwardTo(closed) })
  place.remove()
  for (const route of ['auto', 'exec-relay'] as const)
    await assert.rejects(chooseRoute(place, { port: 5432 }, { ...wanted, route }, context), (error) => {
      assert.ok(isGone(error), String(error))
      assert.doesNotMatch(String(error), /no way leads/)
      return true
    })
})
