import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { HttpClient, type HttpRequest } from './http.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))

type Handle = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

/** A server of this process; on a socket when asked for. */
async function clientOf(handle: Handle, socket?: string, silence = 10_000): Promise<HttpClient> {
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => handle(request, response, body))
  })
  if (socket === undefined) server.listen(0, '127.0.0.1')
  else server.listen(socket)
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo
  const address = socket === undefined ? `http://127.0.0.1:${port}` : `unix://${socket}`
  const client = new HttpClient({ name: 'it', address, connections: 2, silence, largest: 1000 })
  after(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  return client
}

const get: HttpRequest = { method: 'GET', path: '/x?version=1', headers: { 'X-Token': 't' } }

for (const socket of [undefined, join(folder, 'socket')])
  test(`asks and sends over ${socket === undefined ? 'TCP' : 'a unix socket'}`, async () => {
    const echo: Handle = ({ method, url, headers }, response, body) =>
      response.end(JSON.stringify([method, url, headers['x-token'], body]))
    const client = await clientOf(echo, socket)
    assert.equal((await client.text(get)).text, '["GET","/x?version=1","t",""]')
    assert.match((await client.text({ ...get, method: 'POST', body: '{"ü":1}' })).text, /\{\\"ü\\":1\}/)
    const pieces = (async function* () {
      yield await Promise.resolve(Buffer.from('one '))
      yield Buffer.from('two')
    })()
    assert.match((await client.text({ ...get, method: 'POST', body: pieces })).text, /one two/)
  })

test('an answer in pieces is whole, its status and when to ask again are given, and no redirect is followed', async () => {
  const client = await clientOf((_request, response) => {
    response.writeHead(307, { 'Retry-After': '3', Location: 'http://192.0.2.1/never' })
    for (const byte of Buffer.from('{"ü":"€"}')) response.write(Buffer.of(byte))
    response.end()
  })
  const { headers, ...answer } = await client.text(get)
  assert.deepEqual(answer, { status: 307, retryAfter: '3', text: '{"ü":"€"}' })
  assert.equal(headers['location'], 'http://192.0.2.1/never')
})

test('an answer that is cut off is an error, as text and as a stream', async () => {
  const client = await clientOf((_request, response) => {
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await assert.rejects(client.text(get))
  await assert.rejects(async () => {
    for await (const _chunk of (await client.open(get)).body);
  })
})

test('closing ends what is asked, and nothing is asked afterwards', async () => {
  let asked = 0
  const client = await clientOf(() => {
    asked += 1
    if (asked === 2) client.close()
  })
  await Promise.all([get, get, get].map((one) => assert.rejects(client.text(one), /the connections were closed/)))
  await assert.rejects(client.text(get), /the connections were closed/)
  assert.equal(asked, 2)
})

test('an answer that is larger than it may be is refused, and one of that size is not', async () => {
  const client = await clientOf((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))))
  const of = (size: number, more: Partial<HttpRequest> = {}) => client.text({ ...get, path: `/${size}`, ...more })
  assert.equal((await of(1000)).text.length, 1000)
  await assert.rejects(of(1001), { kind: 'unsupported', message: 'it gave more than 1000 bytes at once' })
  assert.equal((await of(1001, { largest: 2000 })).text.length, 1001)
})

test('a silent server is not waited for', async () => {
  const client = await clientOf((_request, response) => response.write('half'), undefined, 500)
  await assert.rejects(client.text(get), /silent for 0\.5 s/)
})

test('what is cancelled ends at once, with an answer under way or before its turn, and others go on', async () => {
  const stop = new AbortController()
  const client = await clientOf(({ url }, response) => {
    if (url === '/now') response.end('answer')
    else response.write('half')
  })
  const [one, two, queued] = [1, 2, 3].map(() => client.text({ ...get, signal: stop.signal }))
  setTimeout(() => stop.abort(), 100)
  for (const cancelled of [one, two, queued]) await assert.rejects(cancelled ?? Promise.resolve(), /was cancelled/)
  await assert.rejects(client.text({ ...get, signal: stop.signal }))
  assert.equal((await client.text({ ...get, path: '/now' })).text, 'answer')
})
