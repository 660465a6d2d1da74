import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Transport } from './transport.ts'
import type { Request } from './transport.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))

type Handle = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

/** A server of this process; on a socket when asked for. */
async function transportTo(handle: Handle, socket?: string): Promise<Transport> {
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
  const transport = new Transport({ address, ca: undefined, connections: 2 })
  after(() => {
    transport.close()
    server.closeAllConnections()
    server.close()
  })
  return transport
}

const get: Request = { method: 'GET', path: '/v1/x?version=1', headers: { 'X-Vault-Token': 't' } }

for (const socket of [undefined, join(folder, 'socket')])
  test(`asks and sends over ${socket === undefined ? 'TCP' : 'a unix socket'}`, async () => {
    const echo: Handle = ({ method, url, headers }, response, body) =>
      response.end(JSON.stringify([method, url, headers['x-vault-token'], body]))
    const transport = await transportTo(echo, socket)
    assert.equal((await transport.text(get)).text, '["GET","/v1/x?version=1","t",""]')
    assert.match((await transport.text({ ...get, method: 'POST', body: '{"ü":1}' })).text, /\{\\"ü\\":1\}/)
    const pieces = (async function* () {
      yield await Promise.resolve(Buffer.from('one '))
      yield Buffer.from('two')
    })()
    assert.match((await transport.text({ ...get, method: 'POST', body: pieces })).text, /one two/)
  })

test('an answer in pieces is whole, its status and when to ask again are given, and no redirect is followed', async () => {
  const transport = await transportTo((_request, response) => {
    response.writeHead(307, { 'Retry-After': '3', Location: 'http://192.0.2.1/never' })
    for (const byte of Buffer.from('{"ü":"€"}')) response.write(Buffer.of(byte))
    response.end()
  })
  const { headers, ...answer } = await transport.text(get)
  assert.deepEqual(answer, { status: 307, retryAfter: '3', text: '{"ü":"€"}' })
  assert.equal(headers['location'], 'http://192.0.2.1/never')
})

test('an answer that is cut off is an error, as text and as a stream', async () => {
  const transport = await transportTo((_request, response) => {
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await assert.rejects(transport.text(get))
  await assert.rejects(async () => {
    for await (const _chunk of (await transport.open(get)).body);
  })
})

test('closing ends what is asked, and nothing is asked afterwards', async () => {
  let asked = 0
  const transport = await transportTo(() => {
    asked += 1
    if (asked === 2) transport.close()
  })
  await Promise.all([get, get, get].map((one) => assert.rejects(transport.text(one), /the connections were closed/)))
  await assert.rejects(transport.text(get), /the connections were closed/)
  assert.equal(asked, 2)
})
