import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { systemClock } from '../../system/clock.ts'
import { removeAbandonedFolders } from '../../system/files/temporary-folder.ts'
import { placeContext } from '../testing/place-contract.ts'
import { heldBytes, settled, textOf, until, write } from '../testing/program-bytes.ts'
import { openDirect } from './direct.ts'
import { openTunnel } from './open-tunnel.ts'
import type { Route } from './route.ts'

const context = placeContext()
const MEBIBYTE = 1024 * 1024

async function routeTo(serve: (socket: Socket) => void): Promise<Route> {
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  // The address of a TCP server that listens is never null nor a path.
  const { port } = server.address() as AddressInfo
  return { kind: 'direct', name: 'direct', open: (given) => openDirect({ host: '127.0.0.1', port }, given) }
}

const dial = (path: string): Socket => connect({ path, allowHalfOpen: true }).on('error', () => {})

test('the end of one side is the end of input for the other, whose output goes on', async () => {
  const route = await routeTo((socket) => void textOf(socket).then((text) => socket.end(`heard ${text}`)))
  const tunnel = await openTunnel(route, { name: 's' }, context)
  const client = dial(tunnel.socket)
  client.end('all')
  assert.equal(await textOf(client), 'heard all')
  assert.equal(tunnel.lastFailure(), undefined)
  await tunnel.close()
})

test('a client that does not read holds the server back', async () => {
  const megabyte = Buffer.alloc(MEBIBYTE)
  const endless = Array.from({ length: 1000 }, () => megabyte)
  const route = await routeTo((socket) => void write(socket, endless).catch(() => {}))
  const tunnel = await openTunnel(route, { name: 's' }, context)
  const held = heldBytes()
  const client = dial(tunnel.socket)
  await systemClock.sleep(700, context.signal)
  assert.ok(heldBytes() - held < 24 * MEBIBYTE, `${heldBytes() - held} bytes are held`)
  client.destroy()
  await tunnel.close()
})

test('a route that cannot be opened, or is cut, cuts the client and says why', async () => {
  const warned: string[] = []
  const told = {
    ...context,
    progress: (event: object) => void ('message' in event && warned.push(String(event.message))),
  }
  const failing: Route = {
    kind: 'direct',
    name: 'none',
    open: () => Promise.reject(new Failure('unreachable', 'gone')),
  }
  const cut = await routeTo(
    (socket) => void socket.write('half', () => setTimeout(() => socket.resetAndDestroy(), 100)),
  )
  for (const route of [failing, cut]) {
    const tunnel = await openTunnel(route, { name: 's' }, told)
    const client = dial(tunnel.socket)
    await new Promise((resolve) =>
      client
        .resume()
        .once('close', resolve)
        .once('end', () => client.end()),
    )
    await until(async () => tunnel.lastFailure() !== undefined, 5000)
    await tunnel.close()
  }
  assert.deepEqual([warned[0], warned.length], ['gone', 2])
})

test('closing it, or the signal, ends who is connected, and the folder goes', async () => {
  const route = await routeTo((socket) => socket.resume())
  for (const how of ['close', 'signal']) {
    const controller = new AbortController()
    const tunnel = await openTunnel(route, { name: 's' }, placeContext(controller.signal))
    const client = dial(tunnel.socket)
    await new Promise((resolve) => client.once('connect', resolve))
    await systemClock.sleep(50, context.signal)
    const ended = new Promise((resolve) => client.resume().once('end', () => resolve('ended')))
    if (how === 'signal') controller.abort(new Error('stop'))
    else await tunnel.close()
    assert.equal(await settled(ended), 'ended')
    await tunnel.close()
    await assert.rejects(stat(tunnel.folder))
  }
})

test('its path is short enough for a socket however deep TMPDIR is', async () => {
  const base = await mkdtemp(join(tmpdir(), 'deep-'))
  const deep = join(base, 'x'.repeat(60), 'y'.repeat(60))
  await mkdir(deep, { recursive: true })
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = deep
  try {
    const tunnel = await openTunnel(await routeTo(() => {}), { name: '.s.PGSQL.5432' }, context)
    assert.equal(dirname(tunnel.folder), '/tmp')
    assert.equal((await stat(tunnel.folder)).mode & 0o777, 0o700)
    await tunnel.close()
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    await rm(base, { recursive: true })
  }
})

test('that of a dead process is removed with its other folders', async () => {
  const script = `import { openTunnel } from '${import.meta.resolve('./open-tunnel.ts')}'
    import { placeContext } from '${import.meta.resolve('../testing/place-contract.ts')}'
    const route = { kind: 'direct', name: 'none', open: () => Promise.reject(new Error('none')) }
    console.log((await openTunnel(route, { name: 's' }, placeContext())).folder)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const folder = await new Promise<string>((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text).trim())),
  )
  await stat(join(folder, 's'))
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  await removeAbandonedFolders()
  await assert.rejects(stat(folder))
})

test('the same words are told once', async () => {
  const warned: string[] = []
  const told = {
    ...context,
    progress: (event: object) => void ('message' in event && warned.push(String(event.message))),
  }
  const open = (): Promise<never> => Promise.reject(new Failure('unreachable', 'the way is closed'))
  const tunnel = await openTunnel({ kind: 'direct', name: 'direct', open }, { name: 's' }, told)
  for (let count = 0; count < 3; count += 1) await textOf(dial(tunnel.socket)).catch(() => '')
  assert.deepEqual(warned, ['the way is closed'])
  await tunnel.close()
})
