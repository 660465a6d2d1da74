import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

export interface Passing {
  readonly method: string
  /** With query, from `/v1/` on. */
  readonly path: string
  /** From 1, of all requests. */
  readonly number: number
}

/** What the proxy does to one request instead of passing it on and its answer back. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** The connection ends before the server sees the request, or after it did what it says. */
  | 'cut before'
  | 'cut after'

export interface Proxy {
  readonly address: string
  readonly requests: () => number
  /** Asked for each request; undefined passes it on. May do something first. */
  fault: (passing: Passing) => Promise<Fault | undefined> | Fault | undefined
  /** Told of each answer of the server that was passed on. */
  answered: (passing: Passing, status: number) => void
}

/** A proxy in front of a real server, on a free port of the loopback, gone after the last test. */
export async function startProxy(upstream: string): Promise<Proxy> {
  const agent = new http.Agent({ keepAlive: true })
  let number = 0
  const proxy: Omit<Proxy, 'address'> = { requests: () => number, fault: () => undefined, answered: () => {} }
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const passing = { method: request.method ?? '', path: request.url ?? '', number: (number += 1) }
    const fault = await proxy.fault(passing)
    if (fault === 'cut before') return void request.socket.destroy()
    if (typeof fault === 'object') {
      request.resume()
      response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers })
      return void response.end(JSON.stringify(fault.body ?? { errors: ['injected'] }))
    }
    const { method, url: path, headers } = request
    const { hostname, port } = new URL(upstream)
    const out = http.request({ agent, hostname, port, method, path, headers }, (answer) => {
      if (fault === 'cut after') {
        answer.resume().once('end', () => request.socket.destroy())
        return
      }
      proxy.answered(passing, answer.statusCode ?? 502)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    out.on('error', () => request.socket.destroy())
    request.pipe(out)
  }
  const server = http.createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  // The address of a TCP server that listens is never null nor a path.
  const { port } = server.address() as AddressInfo
  return Object.assign(proxy, { address: `http://127.0.0.1:${port}` })
}

/** A generator of numbers from 0 to 1 that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
