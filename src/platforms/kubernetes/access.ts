import type { Secret } from '../../core/secret.ts'

/** Where an API server is and who we are there. Secrets are read when they are used, so that rotated ones are seen. */
export interface ClusterAccess {
  /** `https://host:port`, with a path where a proxy serves it below one. */
  readonly server: string
  /** For people and for the manifest: the context, or `in-cluster`. */
  readonly context: string
  /** PEM. Those of the system when absent. */
  readonly ca: string | undefined
  /** Its certificate is not checked: whoever is in between reads everything. */
  readonly insecure: boolean
  /** The name in the certificate, where it is not that of the address. */
  readonly serverName: string | undefined
  readonly certificate: { readonly certificate: string; readonly key: Secret } | undefined
  readonly token: (() => Promise<Secret>) | undefined
  /** `http://host:port` of an HTTP proxy, with its login where it has one. */
  readonly proxy?: Secret | undefined
  /** What the context names as its own. */
  readonly namespace: string | undefined
  /** All of it read anew, where the server took the login no more: files, and what the login program gives. */
  readonly renew?: (() => Promise<ClusterAccess>) | undefined
}

/** The access with a new login. Undefined where there is none, or where the file now names another server. */
export async function renewedAccess(access: ClusterAccess): Promise<ClusterAccess | undefined> {
  const renewed = await access.renew?.()
  return renewed?.server === access.server ? renewed : undefined
}
