import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { parsedJson } from './values.ts'

/** The public half of a private key in PEM, JWK or DER, as the DER that two equal keys share. Undefined for anything else. */
export function publicHalfOfPrivate(bytes: Buffer): Buffer | undefined {
  const key = privateKeyOf(bytes)
  return key === undefined ? undefined : exported(() => createPublicKey(key))
}

function privateKeyOf(bytes: Buffer): KeyObject | undefined {
  const jwk = jwkOf(bytes)
  if (jwk !== undefined) return 'd' in jwk ? attempt(() => createPrivateKey({ key: jwk, format: 'jwk' })) : undefined
  const der = derOf(bytes)
  return (
    attempt(() => createPrivateKey(bytes)) ??
    attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })) ??
    attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs1' })) ??
    attempt(() => createPrivateKey({ key: der, format: 'der', type: 'sec1' }))
  )
}

/** The same of a public key, also where the PEM's label says PKCS#1 and its content is an SPKI. */
export function publicHalf(bytes: Buffer): Buffer | undefined {
  const jwk = jwkOf(bytes)
  if (jwk !== undefined) return exported(() => createPublicKey({ key: publicPart(jwk), format: 'jwk' }))
  const der = derOf(bytes)
  return (
    exported(() => createPublicKey({ key: der, format: 'der', type: 'spki' })) ??
    exported(() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' })) ??
    exported(() => createPublicKey(bytes))
  )
}

function exported(make: () => KeyObject): Buffer | undefined {
  return attempt(() => make().export({ format: 'der', type: 'spki' }))
}

/** The platform throws for every input that is no key of the form that is tried. */
function attempt<Value>(act: () => Value): Value | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

function jwkOf(bytes: Buffer): JsonWebKey | undefined {
  if (bytes[0] !== 0x7b) return undefined
  const parsed = parsedJson(bytes.toString('utf8'))
  // What the members are is for the platform to judge.
  return typeof parsed === 'object' && parsed !== null && 'kty' in parsed ? (parsed as JsonWebKey) : undefined
}

/** Nothing private may decide what the public half is. */
function publicPart({ kty, n, e, crv, x, y }: JsonWebKey): JsonWebKey {
  const parts = Object.entries({ kty, n, e, crv, x, y }).filter(([, part]) => part !== undefined)
  return Object.fromEntries(parts)
}

function derOf(bytes: Buffer): Buffer {
  const body = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(bytes.toString('latin1'))?.[1]
  return body === undefined ? bytes : Buffer.from(body, 'base64')
}
