import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Secret } from '../../src/core/secret.ts'
import { HttpClient, type HttpServer, type TlsIdentity } from '../../src/system/http.ts'
import { makeCertificates } from '../parts/certificates.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const [own, client] = await Promise.all([makeCertificates(folder, 'server'), makeCertificates(folder, 'client')])
const text = (path: string): Promise<string> => readFile(path, 'utf8')

/** Lets in whom the authority of the client signed, and says who that is and by which name it was asked. */
const server = https.createServer(
  {
    cert: await text(own.certificate),
    key: await text(own.key),
    ca: await text(client.ca),
    requestCert: true,
    rejectUnauthorized: true,
  },
  ({ socket }, response) => {
    // A server of TLS has such sockets.
    const peer = socket as TLSSocket & { readonly servername: string | false }
    response.end(JSON.stringify([peer.getPeerCertificate().subject.CN, peer.servername]))
  },
)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
after(() => server.closeAllConnections())

const certificate = { certificate: await text(client.certificate), key: new Secret(await text(client.key)) }
const known: TlsIdentity = { insecure: false, serverName: undefined, certificate }
const ca = await text(own.ca)

async function ask(more: Partial<HttpServer>): Promise<unknown> {
  // A server that listens on TCP has such an address.
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const limits = { connections: 1, silence: 10_000, largest: 1000 }
  const http = new HttpClient({ name: 'it', address, ...limits, ...more })
  after(() => http.close())
  return JSON.parse((await http.text({ method: 'GET', path: '/', headers: {} })).text)
}

test('a client certificate says who asks, to a server whose authority is known', async () => {
  assert.deepEqual(await ask({ ca, tls: known }), ['client', false])
})

test('a server is asked by another name than its address', async () => {
  assert.deepEqual(await ask({ ca, tls: { ...known, serverName: 'localhost' } }), ['client', 'localhost'])
  await assert.rejects(ask({ ca, tls: { ...known, serverName: 'elsewhere' } }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
})

test('an authority that is not known is refused, unless that was asked for', async () => {
  await assert.rejects(ask({ tls: known }), { code: /SELF_SIGNED|UNABLE_TO_VERIFY/ })
  assert.deepEqual(await ask({ tls: { ...known, insecure: true } }), ['client', false])
})

test('without the certificate the server lets nobody in', async () => {
  await assert.rejects(ask({ ca, tls: { ...known, certificate: undefined } }))
})
