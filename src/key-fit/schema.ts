import { z } from 'zod'

/**
 * How it is proven that keys open data, as data. A profile combines these blocks, and so may an operator. Keys are named
 * and derived; proofs use keys on rows; what a proof can say is in `Judgement`.
 */

const hash = z.enum(['sha1', 'sha256', 'sha384', 'sha512'])
const size = z.number().int().min(1).max(4096)
/** Constant bytes. */
const literal = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ hex: z.string().regex(/^([0-9a-f]{2})*$/) }),
])
export type Literal = z.infer<typeof literal>

const pbkdf2 = z.strictObject({
  kind: z.literal('pbkdf2'),
  hash,
  /** From the row where a layout has one. */
  salt: literal.optional(),
  iterations: z.number().int().min(1).max(10_000_000),
  length: size,
})
const hkdf = z.strictObject({
  kind: z.literal('hkdf'),
  hash,
  salt: literal.optional(),
  info: literal.prefault({ text: '' }),
  length: size,
})
const derivation = z.discriminatedUnion('kind', [pbkdf2, hkdf])
export type Derivation = z.infer<typeof derivation>

const keyStep = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('trim-newline') }),
  z.strictObject({ kind: z.literal('decode'), from: z.enum(['hex', 'base64', 'base64url']) }),
  z.strictObject({ kind: z.literal('encode'), to: z.enum(['hex', 'base64']) }),
  z.strictObject({ kind: z.literal('hash'), hash, before: z.string().default(''), after: z.string().default('') }),
  /** A key of another length cannot be the key. */
  z.strictObject({ kind: z.literal('length'), bytes: size }),
  pbkdf2,
  hkdf,
])
export type KeyStep = z.infer<typeof keyStep>

const value = z
  .strictObject({
    column: z.string().min(1),
    path: z.array(z.string()).optional(),
    decode: z.array(z.enum(['hex', 'bytea', 'base64', 'base64url'])).default([]),
  })
  .meta({ id: 'keyFitValue' })
export type Value = z.infer<typeof value>

const ROWS_LIMIT = 10_000
const rows = z
  .strictObject({
    component: z.string().min(1),
    sql: z.string().min(1),
    limit: z.number().int().min(1).max(1_000_000).default(ROWS_LIMIT),
  })
  .meta({ id: 'keyFitRows' })

const layout = z
  .discriminatedUnion('kind', [
    /** IV, then ciphertext; not authenticated, so that any key "opens" it. */
    z.strictObject({ kind: z.literal('aes-cfb') }),
    /** Prefix, salt, nonce, ciphertext, tag. */
    z.strictObject({
      kind: z.literal('aes-gcm'),
      name: z.string().default('AES-GCM'),
      prefix: literal.optional(),
      saltBytes: z.number().int().min(0).max(256).default(0),
      nonceBytes: z.number().int().min(8).max(64).default(12),
      derive: derivation.optional(),
    }),
    /** A compact JWE with A256GCMKW and A256GCM. */
    z.strictObject({ kind: z.literal('jwe') }),
  ])
  .meta({ id: 'keyFitLayout' })
export type Layout = z.infer<typeof layout>

export const secretPlace = z.strictObject({
  component: z.string().min(1),
  secret: z.string().min(1),
  variable: z.string().min(1).optional(),
})
export type SecretPlace = z.infer<typeof secretPlace>

const keySource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('secret'), ...secretPlace.shape, steps: z.array(keyStep).default([]) }),
  /** Another key, taken further. */
  z.strictObject({ kind: z.literal('derived'), key: z.string(), steps: z.array(keyStep) }),
  /** Keys that are themselves rows, encrypted under another key. */
  z.strictObject({ kind: z.literal('ring'), key: z.string(), rows, id: z.string(), value, layout }),
])
export type KeySource = z.infer<typeof keySource>

const plain = z.enum(['any', 'utf8', 'json'])
/** A value under a key, or in clear. */
const sealed = z
  .strictObject({
    value,
    key: z.string().optional(),
    keyId: value.optional(),
    layouts: z.array(layout).default([]),
  })
  .meta({ id: 'keyFitSealed' })
export type Sealed = z.infer<typeof sealed>

export const page = z
  .string()
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s#]*)?$/, 'expected the address of a page: https://host/path')
const common = { about: z.string().min(1) }
const proof = z.discriminatedUnion('kind', [
  /** Every value opens. */
  z.strictObject({
    ...common,
    kind: z.literal('opens'),
    rows,
    value,
    key: z.string(),
    keyId: value.optional(),
    layouts: z.array(layout).min(1),
    plain: plain.default('any'),
  }),
  /** Every private key has its public half: PEM, DER or JWK. */
  z.strictObject({ ...common, kind: z.literal('pair'), rows, private: sealed, public: sealed }),
  /** The value is the key itself. Where it is not, that may prove nothing. */
  z.strictObject({
    ...common,
    kind: z.literal('equal'),
    rows,
    value,
    key: z.string(),
    /** Rows with such a value say nothing. */
    except: z.string().optional(),
    otherwise: z.enum(['does-not-fit', 'not-provable']).default('does-not-fit'),
  }),
  /** A JWT with HS256, HS384 or HS512; `extract` finds it in the value. Times are not looked at. */
  z.strictObject({ ...common, kind: z.literal('jwt'), rows, value, key: z.string(), extract: z.string().optional() }),
  z.strictObject({ ...common, kind: z.literal('hmac'), rows, key: z.string(), hash, message: value, signature: value }),
  /** A hash over columns and the key: `{column}` and `{key}` are replaced. The key is never sent to the database. */
  z.strictObject({
    ...common,
    kind: z.literal('derived'),
    rows,
    key: z.string(),
    hash,
    template: z.string(),
    expected: value,
  }),
  /** A private key is that of a certificate, and issued certificates chain to it. */
  z.strictObject({
    ...common,
    kind: z.literal('certificate'),
    key: z.string(),
    certificate: z.string(),
    issued: z.strictObject({ rows, value }).optional(),
  }),
  /**
   * The running app signs a cookie of this page, a JWT, with the key. It is asked in a backup; afterwards whether the key
   * has the fingerprint of then is evidence, as what runs now may have other keys.
   */
  z.strictObject({ ...common, kind: z.literal('cookie'), key: z.string(), page, cookie: z.string().min(1) }),
  /** Hashes over columns, without any key, are those of the capture: what is derived from rows did not change. */
  z.strictObject({ ...common, kind: z.literal('stable'), rows, hash, template: z.string() }),
  /** Files that the data names, and that must be in the restore point as well. Says nothing of keys. */
  z.strictObject({
    ...common,
    kind: z.literal('files'),
    rows,
    value,
    /** The value is sealed under it; in clear without. */
    key: z.string().optional(),
    layouts: z.array(layout).default([]),
    /** Members of the value, which is JSON, that are paths. Without any, the value is a path. */
    members: z.array(z.string().min(1)).default([]),
  }),
  /** The captured key is the one that the app has now. */
  z.strictObject({ ...common, kind: z.literal('live'), key: z.string() }),
])
export type Proof = z.infer<typeof proof>

/** A file that is kept in another way, or is in the point under another path, and why that is so. */
export const elsewhere = z.strictObject({ file: z.string().min(1), reason: z.string().min(1) })

export const declaredFit = z.strictObject({
  kind: z.literal('declared'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  required: z.boolean().default(true),
  keys: z.record(z.string(), keySource),
  /** Files that the data may name although they are in no component. */
  elsewhere: z.array(elsewhere).default([]),
  proofs: z.array(proof).min(1),
})
export type DeclaredFit = z.infer<typeof declaredFit>
/** As it is written, with defaults left out. */
export type DeclaredFitInput = z.input<typeof declaredFit>
