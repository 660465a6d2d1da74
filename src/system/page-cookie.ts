import type http from 'node:http'
import { describe, Failure } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { secretOfBytes } from '../core/secret-bytes.ts'

const LIMIT = 10_000

/**
 * The cookie of this name that a page gives to a stranger; undefined when it gives none. Redirects are not followed and
 * the page itself is not read. The certificate is checked as Node does: NODE_EXTRA_CA_CERTS adds an authority.
 */
export async function pageCookie(page: string, name: string, signal: AbortSignal): Promise<Secret | undefined> {
  const { protocol } = new URL(page)
  try {
    const cookies = await cookiesOf(await clientOf(protocol), page, signal)
    const found = cookies.map((one) => one.split(';', 1)[0] ?? '').find((one) => one.startsWith(`${name}=`))
    return found === undefined ? undefined : secretOfBytes(Buffer.from(found.slice(name.length + 1), 'latin1'))
  } catch (cause) {
    signal.throwIfAborted()
    throw new Failure('unreachable', `${page} cannot be asked for a cookie: ${describe(cause)}`, { cause })
  }
}

/** Loaded when it is asked for: it takes 30 ms, which every command would wait for. */
async function clientOf(protocol: string): Promise<Pick<typeof http, 'get'>> {
  return protocol === 'https:' ? import('node:https') : import('node:http')
}

function cookiesOf(client: Pick<typeof http, 'get'>, page: string, signal: AbortSignal): Promise<readonly string[]> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)])
  const headers = { accept: 'text/html', 'user-agent': 'holdfast' }
  return new Promise((resolve, reject) => {
    const request = client.get(page, { signal: limited, headers, agent: false }, (answer) => {
      resolve(answer.headers['set-cookie'] ?? [])
      answer.destroy()
    })
    request.on('error', reject)
  })
}
