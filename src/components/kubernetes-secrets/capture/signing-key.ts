import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { bytesOfSecret } from '../../../core/texts/secret-bytes.ts'
import type { KubernetesObject } from '../object.ts'

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/**
 * Whether it holds the certificate of an authority and the key of that very certificate: an issuer signs with it, and what
 * it issued is trusted by it. A certificate of its own with the authority's beside it is none.
 */
export function isSigningKey({ values }: Pick<KubernetesObject, 'values'>): boolean {
  const texts = [...values.values()].map((value) => bytesOfSecret(value).toString('latin1'))
  const keys = texts.filter((text) => PRIVATE_KEY.test(text)).flatMap(keyOf)
  if (keys.length === 0) return false
  const authorities = texts.filter((text) => text.includes('-----BEGIN CERTIFICATE-----')).flatMap(authorityOf)
  return authorities.some((authority) => keys.some((key) => authority.checkPrivateKey(key)))
}

/** The first of a chain is the one that the key beside it is of. */
function authorityOf(text: string): X509Certificate[] {
  const certificate = orNone(() => new X509Certificate(text))
  return certificate?.ca === true ? [certificate] : []
}

function keyOf(text: string): KeyObject[] {
  const key = orNone(() => createPrivateKey(text))
  return key === undefined ? [] : [key]
}

/** What cannot be parsed, or needs a passphrase, is no key that a controller signs with. */
function orNone<Result>(parse: () => Result): Result | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
