import http from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface FilterProxy {
  /** As the configuration names it. */
  readonly engine: string
  /** What it passed on, and what it did not: `GET /version`. */
  readonly passed: string[]
  readonly refused: string[]
}

interface Call {
  readonly method: string
  readonly path: string
}

/** A socket proxy: passes on what `allows` says, and answers everything else with 403. `change` sees the bodies of answers. */
export async function filterProxy(
  t: TestContext,
  socket: string,
  allows: (call: Call) => boolean,
  change: (path: string, body: string) => string = (_path, body) => body,
): Promise<FilterProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-proxy-'))
  const proxy = { engine: `unix://${join(folder, 'engine.sock')}`, passed: [] as string[], refused: [] as string[] }
  const isAllowed = ({ method = '', url = '' }: http.IncomingMessage): boolean => {
    const call = { method, path: url.replace(/\?.*$/, '') }
    const allowed = allows(call)
    proxy[allowed ? 'passed' : 'refused'].push(`${method} ${call.path}`)
    return allowed
  }
  const server = http.createServer((request, response) => {
    if (!isAllowed(request)) return void response.writeHead(403).end()
    const { method, url: path, headers } = request
    const sent = http.request({ socketPath: socket, method, path, headers, agent: false }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      answer.on('end', () => {
        const text = change(path ?? '', body)
        const length = { 'content-length': Buffer.byteLength(text) }
        response
          .writeHead(answer.statusCode ?? 0, { 'content-type': 'application/json', ...(text === '' ? {} : length) })
          .end(text)
      })
    })
    sent.on('error', () => response.destroy())
    request.pipe(sent)
  })
  server.on('upgrade', (request, client, head) => {
    if (!isAllowed(request)) return void client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    const engine = connect({ path: socket, allowHalfOpen: true })
    const lines = [`${request.method} ${request.url} HTTP/1.1`]
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`)
    engine.write(`${lines.join('\r\n')}\r\n\r\n`)
    engine.write(head)
    client.pipe(engine).on('error', () => client.destroy())
    engine.pipe(client).on('error', () => engine.destroy())
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  return proxy
}
