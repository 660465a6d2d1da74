import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { SMTPServer } from 'smtp-server'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that keeps what it is sent. Its answers begin with these; then all is well. */
export async function startReceiver(t: TestContext, ...answers: number[]): Promise<{ url: string; got: Request[] }> {
  const got: Request[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      got.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body })
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${portOf(server.address())}`, got }
}

/** A mail server that takes mail of one user, whose password is `let me in`, over an encrypted connection. */
export async function startMailServer(t: TestContext): Promise<{ port: number; got: string[] }> {
  const got: string[] = []
  const server = new SMTPServer({
    onAuth: ({ username, password }, _session, done) =>
      username === 'holdfast' && password === 'let me in' ? done(null, { user: username }) : done(new Error('no')),
    onData(stream, _session, done) {
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
      stream.on('end', () => {
        got.push(text)
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise<void>((resolve) => server.close(resolve)))
  return { port: portOf(server.server.address()), got }
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return address.port
}
