import type { IncomingHttpHeaders } from 'node:http'

/**
 * Standbys of OpenBao answer reads themselves, a moment late. Each answer says how far its server is; a request that gives
 * that back is answered by one that is at least as far, or handed on to the active one. So nothing that was there when this
 * began is overlooked when the active server changes meanwhile, and what was written is read again as it was written.
 */
export class Freshness {
  #index: string | undefined

  headers(): Readonly<Record<string, string>> {
    if (this.#index === undefined) return {}
    return { 'X-Vault-Index': this.#index, 'X-Vault-Inconsistent': 'forward-active-node' }
  }

  /** Of the first answer and of each write. Servers that know no index give none, and have standbys that hand on everything. */
  seen(method: string, headers: IncomingHttpHeaders): void {
    const index = headers['x-vault-index']
    if (typeof index === 'string' && (this.#index === undefined || method !== 'GET')) this.#index = index
  }
}
