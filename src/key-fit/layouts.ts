import { createDecipheriv, type CipherGCMTypes } from 'node:crypto'
import { z } from 'zod'
import { stretched } from './derive.ts'
import type { Layout } from './schema.ts'
import { literalBytes, parsedJson } from './values.ts'

export type Opened =
  | {
      readonly plain: Buffer
      readonly layout: string
      /** Whether only the right key could. */ readonly proves: boolean
    }
  | { readonly plain?: undefined; readonly why: 'misfit' | 'damaged' }

const MISFIT: Opened = { why: 'misfit' }
const DAMAGED: Opened = { why: 'damaged' }
const TAG = 16
const IV = 16

/**
 * Tries the layouts one after the other; the first that opens to something acceptable counts. What an authenticated
 * cipher opened and is not acceptable is damaged; what no layout can be is damaged too.
 */
export async function openSealed(
  sealed: Buffer,
  key: Buffer,
  layouts: readonly Layout[],
  accepts: (plain: Buffer) => boolean,
): Promise<Opened> {
  const failures = new Set<'misfit' | 'damaged'>()
  for (const layout of layouts) {
    const outcome = await openWith(sealed, key, layout)
    if (outcome.plain === undefined) failures.add(outcome.why)
    else if (accepts(outcome.plain)) return outcome
    else if (outcome.proves) return DAMAGED
    else failures.add('misfit')
  }
  return failures.has('misfit') ? MISFIT : DAMAGED
}

async function openWith(sealed: Buffer, key: Buffer, layout: Layout): Promise<Opened> {
  switch (layout.kind) {
    case 'aes-cfb':
      return openCfb(sealed, key)
    case 'aes-gcm':
      return await openGcm(sealed, key, layout)
    case 'jwe':
      return openJwe(sealed, key)
  }
}

/** CFB with segments of 128 bits. It opens with any key of the right length, to other bytes. */
function openCfb(sealed: Buffer, key: Buffer): Opened {
  if (sealed.length < IV) return DAMAGED
  if (![16, 24, 32].includes(key.length)) return MISFIT
  const decipher = createDecipheriv(`aes-${key.length * 8}-cfb`, key, sealed.subarray(0, IV))
  const plain = Buffer.concat([decipher.update(sealed.subarray(IV)), decipher.final()])
  return { plain, layout: 'AES-CFB', proves: false }
}

const derivedKeys = new WeakMap<Buffer, Map<Layout, Promise<Buffer>>>()

async function openGcm(sealed: Buffer, key: Buffer, layout: Extract<Layout, { kind: 'aes-gcm' }>): Promise<Opened> {
  const prefix = literalBytes(layout.prefix)
  const head = prefix.length + layout.saltBytes + layout.nonceBytes
  if (sealed.length < head + TAG || !sealed.subarray(0, prefix.length).equals(prefix)) return DAMAGED
  const salt = sealed.subarray(prefix.length, prefix.length + layout.saltBytes)
  const nonce = sealed.subarray(prefix.length + layout.saltBytes, head)
  const plain = decryptGcm(await gcmKey(key, layout, salt), nonce, sealed.subarray(head, -TAG), sealed.subarray(-TAG))
  return plain === undefined ? MISFIT : { plain, layout: layout.name, proves: true }
}

/** A constant salt gives one key for all rows, which is derived once. */
function gcmKey(key: Buffer, layout: Extract<Layout, { kind: 'aes-gcm' }>, salt: Buffer): Promise<Buffer> {
  const { derive } = layout
  if (derive === undefined) return Promise.resolve(key)
  if (layout.saltBytes > 0) return stretched(key, derive, salt)
  const known = derivedKeys.get(key) ?? new Map<Layout, Promise<Buffer>>()
  derivedKeys.set(key, known)
  const derived = known.get(layout) ?? stretched(key, derive)
  known.set(layout, derived)
  return derived
}

function decryptGcm(key: Buffer, nonce: Buffer, text: Buffer, tag: Buffer, aad?: Buffer): Buffer | undefined {
  if (![16, 24, 32].includes(key.length) || tag.length !== TAG) return undefined
  const cipher: CipherGCMTypes = key.length === 32 ? 'aes-256-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-128-gcm'
  try {
    const decipher = createDecipheriv(cipher, key, nonce, { authTagLength: TAG })
    if (aad !== undefined) decipher.setAAD(aad)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(text), decipher.final()])
  } catch {
    return undefined
  }
}

const joseHeader = z.object({ alg: z.literal('A256GCMKW'), enc: z.literal('A256GCM'), iv: z.string(), tag: z.string() })

function openJwe(sealed: Buffer, key: Buffer): Opened {
  const parts = sealed.toString('latin1').split('.')
  const [head = '', wrapped = '', iv = '', text = '', tag = ''] = parts
  const header = joseHeader.safeParse(parsedJson(Buffer.from(head, 'base64url').toString('utf8')))
  if (parts.length !== 5 || !header.success) return DAMAGED
  const [wrapIv, wrapTag] = [header.data.iv, header.data.tag].map((part) => Buffer.from(part, 'base64url'))
  if (wrapIv === undefined || wrapTag === undefined) return DAMAGED
  const contentKey = decryptGcm(key, wrapIv, Buffer.from(wrapped, 'base64url'), wrapTag)
  if (contentKey === undefined) return MISFIT
  const [nonce, content, mark] = [iv, text, tag].map((part) => Buffer.from(part, 'base64url'))
  if (nonce === undefined || content === undefined || mark === undefined) return DAMAGED
  const plain = decryptGcm(contentKey, nonce, content, mark, Buffer.from(head))
  // The key was unwrapped under authentication, so that what it does not open is damaged.
  return plain === undefined ? DAMAGED : { plain, layout: 'JWE', proves: true }
}
