import { Failure, systemFailure } from '../core/failure.ts'
import { HttpClient } from '../system/http.ts'
import { doubling, retry } from '../system/retry.ts'
import type { Telling } from './channel.ts'

export interface Post {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const [SILENCE, LARGEST, ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE] = [10_000, 65_536, 3, 500, 4_000]

/**
 * One request, tried again where the server was busy or away. Fails with `unreachable`, or with `denied` where the server refuses
 * it. Only the host of the URL is ever named: what follows may be a secret.
 */
export async function post({ url, method, headers = {}, body }: Post, { clock, signal }: Telling): Promise<void> {
  const { origin, host, pathname, search } = parsedUrl(url)
  const client = new HttpClient({ name: host, address: origin, connections: 1, silence: SILENCE, largest: LARGEST })
  const request = { method, path: pathname + search, headers, signal, ...(body === undefined ? {} : { body }) }
  const attempt = async (): Promise<void> => {
    const { status } = await client.text(request)
    if (status < 200 || status > 299)
      throw new Failure(isBusy(status) ? 'unreachable' : 'denied', `${host} answered with ${status}`)
  }
  try {
    const pause = doubling(FIRST_PAUSE, LONGEST_PAUSE)
    const mayRetry = (error: unknown): boolean => !(error instanceof Failure) || error.kind === 'unreachable'
    await retry(attempt, { clock, signal, attempts: ATTEMPTS, pause, mayRetry })
  } catch (cause) {
    throw cause instanceof Failure ? cause : systemFailure(`${host} does not answer`, cause)
  } finally {
    client.close()
  }
}

function isBusy(status: number): boolean {
  return status >= 500 || status === 429 || status === 408
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url
  throw new Failure('usage', 'the URL of an alarm is no URL of http or https', {
    hint: 'Look at the secret or the text that the configuration names for it.',
  })
}
