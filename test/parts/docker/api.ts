import http from 'node:http'
import type { Readable } from 'node:stream'

export interface EngineAnswer {
  readonly status: number
  readonly body: unknown
}

/** The engine's API as it is, for tests. */
export interface EngineApi {
  ask(method: string, path: string, body?: unknown): Promise<EngineAnswer>
  /** Like `ask`, and fails unless it went well. */
  must(method: string, path: string, body?: unknown): Promise<unknown>
}

/** A body that is a stream is sent as a tar archive, any other as JSON. */
export function engineApi(socketPath: string): EngineApi {
  const ask: EngineApi['ask'] = (method, path, body) => request(socketPath, method, path, body)
  return {
    ask,
    async must(method, path, body) {
      const answer = await ask(method, path, body)
      if (answer.status < 300 || answer.status === 304) return answer.body
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    },
  }
}

function request(socketPath: string, method: string, path: string, body: unknown): Promise<EngineAnswer> {
  const isStream = typeof body === 'object' && body !== null && 'pipe' in body
  const headers = { 'content-type': isStream ? 'application/x-tar' : 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = http.request({ socketPath, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) }),
      )
    })
    sent.on('error', reject)
    // It has the method `pipe`.
    if (isStream) (body as Readable).pipe(sent)
    else sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
