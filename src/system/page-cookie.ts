import { describe, Failure } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { secretOfBytes } from '../core/texts/secret-bytes.ts'
import { HttpClient } from './http.ts'

const LIMIT = 10_000

/**
 * The cookie of this name that a page gives to a stranger; undefined when it gives none. Redirects are not followed and
 * the page itself is not read. The certificate is checked as Node does: NODE_EXTRA_CA_CERTS adds an authority.
 */
export async function pageCookie(page: string, name: string, signal: AbortSignal): Promise<Secret | undefined> {
  try {
    const cookies = await cookiesOf(page, AbortSignal.any([signal, AbortSignal.timeout(LIMIT)]))
    const found = cookies.map((one) => one.split(';', 1)[0] ?? '').find((one) => one.startsWith(`${name}=`))
    return found === undefined ? undefined : secretOfBytes(Buffer.from(found.slice(name.length + 1), 'latin1'))
  } catch (cause) {
    signal.throwIfAborted()
    throw new Failure('unreachable', `${page} cannot be asked for a cookie: ${describe(cause)}`, { cause })
  }
}

async function cookiesOf(page: string, signal: AbortSignal): Promise<readonly string[]> {
  const { origin, pathname, search } = new URL(page)
  const client = new HttpClient({ name: page, address: origin, connections: 1, silence: LIMIT, largest: 0 })
  try {
    const headers = { accept: 'text/html', 'user-agent': 'holdfast' }
    const answer = await client.open({ method: 'GET', path: `${pathname}${search}`, headers, signal })
    return [answer.headers['set-cookie'] ?? []].flat()
  } finally {
    client.close()
  }
}
