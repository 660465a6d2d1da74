import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { bytesOfSecret } from '../core/texts/secret-bytes.ts'
import { pageCookie } from './page-cookie.ts'

const never = new AbortController().signal

async function textOf(page: string, name: string): Promise<string | undefined> {
  const cookie = await pageCookie(page, name, never)
  return cookie === undefined ? undefined : bytesOfSecret(cookie).toString('latin1')
}

async function pageOf(t: TestContext, handle: http.RequestListener): Promise<string> {
  const server = http.createServer(handle).listen(0, '127.0.0.1')
  t.after(() => server.closeAllConnections())
  t.after(() => void server.close())
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/login?next=%2F`
}

test('the cookie of a name is given, of a page that goes on for ever', async (t) => {
  const asked: unknown[] = []
  const page = await pageOf(t, (request, response) => {
    asked.push(request.url)
    response.writeHead(200, { 'set-cookie': ['other=1; Path=/', 'session=a.b=; HttpOnly'] })
    response.write('x'.repeat(100_000))
  })
  assert.equal(await textOf(page, 'session'), 'a.b=')
  assert.equal(await textOf(page, 'sess'), undefined)
  assert.deepEqual(asked, ['/login?next=%2F', '/login?next=%2F'])
})

test('a redirect is not followed: its own cookie counts', async (t) => {
  const page = await pageOf(t, (_request, response) =>
    response.writeHead(302, { location: 'http://192.0.2.1/', 'set-cookie': 'session=own' }).end(),
  )
  assert.equal(await textOf(page, 'session'), 'own')
})

test('a page that cannot be asked is named, and a cancelled question is no answer', async (t) => {
  const page = await pageOf(t, (_request, response) => response.destroy())
  await assert.rejects(pageCookie(page, 'session', never), {
    kind: 'unreachable',
    message: new RegExp(`^${page.replaceAll(/[?.]/g, '\\$&')} cannot be asked for a cookie`),
  })
  const stop = new AbortController()
  const silent = await pageOf(t, () => stop.abort(new Error('enough')))
  await assert.rejects(pageCookie(silent, 'session', stop.signal), /enough/)
})
