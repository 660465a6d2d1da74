import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Key, KeySet } from './keys.ts'
import { openSealed } from './layouts.ts'
import { publicHalf, publicHalfOfPrivate } from './public-half.ts'
import type { Proof, Sealed, Value } from './schema.ts'
import { parsedJson, valueIn, type Found } from './values.ts'
import type { Judgement } from './verdict.ts'
import type { Row } from './evidence-source.ts'

export type RowProof = Exclude<Proof, { kind: 'certificate' | 'live' | 'cookie' | 'stable' | 'files' }>

const says = (what: Judgement['says'], group = '', why?: string): Judgement => ({
  group,
  says: what,
  ...(why === undefined ? {} : { why }),
})
const mismatch = ({ why }: Found & { why: 'absent' | 'damaged' }): Judgement =>
  says(why === 'absent' ? 'nothing' : 'corrupt')

/** What one row says about the keys. */
export async function judge(proof: RowProof, row: Row, keys: KeySet): Promise<Judgement> {
  switch (proof.kind) {
    case 'opens':
      return await judgeOpens(proof, row, keys)
    case 'pair':
      return await judgePair(proof, row, keys)
    case 'equal':
      return await withKey(proof, row, keys, (key, bytes) => judgeEqual(proof, key, bytes))
    case 'jwt':
      return await withKey(proof, row, keys, (key, bytes) => judgeJwt(bytes.toString('latin1'), key, proof.extract))
    case 'hmac':
      return await withKey({ ...proof, value: proof.message }, row, keys, (key, bytes) =>
        judgeEqualBytes(createHmac(proof.hash, key).update(bytes).digest(), valueIn(row, proof.signature)),
      )
    case 'derived':
      return await withKey({ ...proof, value: proof.expected }, row, keys, (key, bytes) =>
        judgeEqualBytes(
          createHash(proof.hash)
            .update(filled(proof.template, row, key))
            .digest(),
          { bytes },
        ),
      )
  }
}

async function withKey(
  { key, value }: { readonly key: string; readonly value: Value },
  row: Row,
  keys: KeySet,
  decide: (key: Buffer, bytes: Buffer) => Judgement,
): Promise<Judgement> {
  const found = valueIn(row, value)
  if (found.bytes === undefined) return mismatch(found)
  const held = await keys.get(key)
  return held.state === 'there' ? decide(held.bytes, found.bytes) : withoutKey(held)
}

function withoutKey(key: Key): Judgement {
  return key.state === 'wrong' ? says('misfits', '', key.why) : says('nothing')
}

type OpenedRow =
  | { readonly plain: Buffer; readonly group: string; readonly proves: boolean }
  | { readonly judgement: Judgement }

/** Opens a value under its key, which for a ring is the one that the row names. */
export async function openIn(
  row: Row,
  sealed: Sealed,
  keys: KeySet,
  accepts: (plain: Buffer) => boolean,
): Promise<OpenedRow> {
  const found = valueIn(row, sealed.value)
  if (found.bytes === undefined) return { judgement: mismatch(found) }
  if (sealed.key === undefined)
    return accepts(found.bytes)
      ? { plain: found.bytes, group: '', proves: false }
      : { judgement: says('corrupt', '', 'a value in clear is not of the form that it should have') }
  const id = sealed.keyId === undefined ? undefined : valueIn(row, sealed.keyId).bytes?.toString('utf8')
  const key = keyFor(await keys.get(sealed.key), id)
  if (!('bytes' in key)) return { judgement: key.judgement }
  const opened = await openSealed(found.bytes, key.bytes, sealed.layouts, accepts)
  if (opened.plain === undefined) return { judgement: says(opened.why === 'misfit' ? 'misfits' : 'corrupt', id ?? '') }
  return { plain: opened.plain, group: id ?? opened.layout, proves: opened.proves }
}

function keyFor(key: Key, id: string | undefined): { readonly bytes: Buffer } | { readonly judgement: Judgement } {
  if (key.state === 'there') return { bytes: key.bytes }
  if (key.state !== 'ring') return { judgement: withoutKey(key) }
  const bytes = key.byId.get(id ?? '')
  if (bytes !== undefined) return { bytes }
  return { judgement: says('corrupt', id ?? '', `no key ${JSON.stringify(id ?? '')} is among the unwrapped ones`) }
}

const ACCEPTS = {
  any: () => true,
  utf8: (plain: Buffer) => Buffer.from(plain.toString('utf8'), 'utf8').equals(plain),
  json: (plain: Buffer) => parsedJson(plain.toString('utf8')) !== undefined,
} as const

async function judgeOpens(proof: Extract<Proof, { kind: 'opens' }>, row: Row, keys: KeySet): Promise<Judgement> {
  const opened = await openIn(row, proof, keys, ACCEPTS[proof.plain])
  if ('judgement' in opened) return opened.judgement
  return says(opened.proves ? 'fits' : 'weak', opened.group)
}

async function judgePair(proof: Extract<Proof, { kind: 'pair' }>, row: Row, keys: KeySet): Promise<Judgement> {
  const secret = await openIn(row, proof.private, keys, (plain) => publicHalfOfPrivate(plain) !== undefined)
  if ('judgement' in secret) return secret.judgement
  const open = await openIn(row, proof.public, keys, (plain) => publicHalf(plain) !== undefined)
  if ('judgement' in open) return { ...open.judgement, group: secret.group }
  const equal = publicHalfOfPrivate(secret.plain)?.equals(publicHalf(open.plain) ?? Buffer.alloc(0)) === true
  return equal ? says('fits', secret.group) : says('misfits', secret.group, 'a private key has another public half')
}

function judgeEqual(proof: Extract<Proof, { kind: 'equal' }>, key: Buffer, bytes: Buffer): Judgement {
  if (proof.except !== undefined && new RegExp(proof.except).test(bytes.toString('utf8'))) return says('nothing')
  if (isEqual(key, bytes)) return says('fits')
  return proof.otherwise === 'does-not-fit'
    ? says('misfits')
    : says('nothing', '', 'the value in the data is another, which may be from before a rotation')
}

function judgeEqualBytes(bytes: Buffer, found: Found): Judgement {
  if (found.bytes === undefined) return mismatch(found)
  return isEqual(bytes, found.bytes) ? says('fits') : says('misfits')
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

const HASHES = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const
const jwtHeader = z.object({ alg: z.enum(['HS256', 'HS384', 'HS512']) })

export function judgeJwt(text: string, key: Buffer, extract: string | undefined): Judgement {
  const token = extract === undefined ? text : new RegExp(extract).exec(text)?.[1]
  const [head, body, signature, ...more] = token?.split('.') ?? []
  if (head === undefined || body === undefined || signature === undefined || more.length > 0)
    return says(extract === undefined ? 'corrupt' : 'nothing')
  const header = jwtHeader.safeParse(parsedJson(Buffer.from(head, 'base64url').toString('utf8')))
  if (!header.success) return says('nothing', '', 'a token has another algorithm')
  const expected = createHmac(HASHES[header.data.alg], key).update(`${head}.${body}`).digest()
  return isEqual(expected, Buffer.from(signature, 'base64url')) ? says('fits') : says('misfits')
}

/** The parts are joined as bytes, so that a key that is no text stays what it is. */
export function filled(template: string, row: Row, key: Buffer): Buffer {
  const parts = template.split(/\{([A-Za-z0-9_]+)\}/)
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 0 ? Buffer.from(part) : part === 'key' ? key : Buffer.from(row[part] ?? ''),
    ),
  )
}
