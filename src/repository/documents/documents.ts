/** The JSON documents of docs/reference/format.md, as schemas and types. */
import { z } from 'zod'
import { isPointId } from '../../core/restore-point.ts'
import { POSITION } from '../../core/safety/server-moment.ts'
import { KIND_NUMBERS } from '../envelope/header.ts'

type Frozen<Value> = Value extends (infer Element)[]
  ? readonly Frozen<Element>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value

const format = z.literal(1)
const repositoryId = z.string().regex(/^[0-9a-f]{32}$/)
const pointId = z.string().refine(isPointId, 'not a point id')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const moment = z.iso.datetime()
const count = z.int().nonnegative()
const artifactNumber = z.int().min(1).max(999_999)

export const repositorySchema = z.object({ format, repository: repositoryId, created: moment, software: z.string() })
export type RepositoryDocument = Frozen<z.infer<typeof repositorySchema>>

/** A blob as the commit names it: the hash is of the stored, encrypted bytes. */
const stored = z.object({ number: artifactNumber, size: count, sha256 })

/** Which server a component was read from. Readable by anyone: the server's own identifier is hashed. */
export const commitServer = z.object({
  component: z.string(),
  server: z.string().regex(/^[0-9a-f]{16}$/),
  timeline: z.int().nonnegative().nullable(),
  position: z.string().regex(POSITION).nullable(),
})
export type CommitServer = Frozen<z.infer<typeof commitServer>>

export const commitSchema = z.object({
  format,
  repository: repositoryId,
  point: pointId,
  app: z.string(),
  sequence: z.int().positive(),
  previous: sha256.nullable(),
  created: moment,
  software: z.string(),
  complete: z.boolean(),
  components: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      complete: z.boolean(),
      /** Stored bytes of its artifacts; the length of the plain content is nobody's business. */
      bytes: count,
    }),
  ),
  artifacts: z.array(stored),
  manifest: z.object({ size: count, sha256 }),
  keyCommitment: sha256,
  /** Of the first generation of the keys; later ones are as large as their recipients are many. Older commits have none. */
  keys: z.object({ size: count, sha256 }).optional(),
  remarks: z.array(z.string()),
  servers: z.array(commitServer).optional(),
  /** What somebody said of it. Public, like all of a commit. */
  note: z.string().optional(),
  /** Held from the moment that it exists. */
  held: z.literal(true).optional(),
})
export type Commit = Frozen<z.infer<typeof commitSchema>>

const artifactRecordSchema = z.object({
  number: artifactNumber,
  role: z.string(),
  kind: z.literal(Object.values(KIND_NUMBERS)),
  compression: z.union([z.literal(0), z.literal(1)]),
  plainSize: count,
  plainSha256: sha256,
  size: count,
  sha256,
})
export type ArtifactRecord = Frozen<z.infer<typeof artifactRecordSchema>>

const manifestComponent = z.object({
  name: z.string(),
  kind: z.string(),
  started: moment,
  finished: moment,
  notCaptured: z.array(z.string()),
  /** What the settings left out, for people. */
  onPurpose: z.array(z.string()).optional(),
  /** Belongs to the component's kind; its driver parses it. */
  details: z.unknown(),
  artifacts: z.array(artifactRecordSchema),
})
export type ManifestComponent = Frozen<z.infer<typeof manifestComponent>>

const missingComponent = z.object({ name: z.string(), kind: z.string(), reason: z.string() })
export type MissingComponent = Frozen<z.infer<typeof missingComponent>>

/**
 * `absent` is written as what readers from before it know, and so is a point of theirs that calls keys fitting of which one
 * is not there: a key without a fingerprint says it.
 */
function readFit<Result extends { readonly verdict: string; readonly keys: readonly { fingerprint: string | null }[] }>(
  result: Result,
): Result | (Omit<Result, 'verdict'> & { readonly verdict: 'absent' }) {
  const isAbsent = result.keys.some(({ fingerprint }) => fingerprint === null)
  const isProof = result.verdict === 'fits' || result.verdict === 'not-provable'
  return isAbsent && isProof ? { ...result, verdict: 'absent' } : result
}

/** What a backup found out about keys. `fingerprintKey` is only ever here, under encryption. */
const manifestKeyFit = z.object({
  fingerprintKey: z.string(),
  results: z.array(
    z
      .object({
        name: z.string(),
        required: z.boolean(),
        // One that a later version writes is no proof here, and no reason to refuse the point.
        verdict: z.enum(['fits', 'does-not-fit', 'mixed', 'corrupt', 'absent', 'not-provable']).catch('not-provable'),
        evidence: z.array(z.string()),
        keys: z.array(
          z.object({ name: z.string(), component: z.string(), secret: z.string(), fingerprint: z.string().nullable() }),
        ),
        stable: z.array(z.object({ about: z.string(), rows: z.number(), fingerprint: z.string() })).optional(),
        outside: z.array(z.string()).optional(),
      })
      .transform(readFit),
  ),
})
export type ManifestKeyFit = Frozen<z.infer<typeof manifestKeyFit>>

/** The part of holdfast.yaml that the app needs, without secrets. `repository` is what this repository is called in it. */
const manifestConfiguration = z.object({ repository: z.string(), file: z.record(z.string(), z.unknown()) })

export const manifestSchema = z.object({
  format,
  repository: repositoryId,
  point: pointId,
  app: z.string(),
  created: moment,
  software: z.string(),
  components: z.array(manifestComponent),
  missing: z.array(missingComponent),
  keyFit: manifestKeyFit.optional(),
  configuration: manifestConfiguration.optional(),
})
export type Manifest = Frozen<z.infer<typeof manifestSchema>>

export const proofKinds = ['verify', 'drill', 'hold', 'release'] as const
export type ProofKind = (typeof proofKinds)[number]

export const proofSchema = z.object({
  format,
  repository: repositoryId,
  point: pointId,
  kind: z.enum(proofKinds),
  created: moment,
  software: z.string(),
  ok: z.boolean(),
  commitSha256: sha256,
  facts: z.record(z.string(), z.unknown()),
})
export type Proof = Frozen<z.infer<typeof proofSchema>>

export const tombstoneSchema = z.object({
  format,
  repository: repositoryId,
  point: pointId,
  created: moment,
  reason: z.string(),
  until: moment,
  /** The commit's file, whole, in base64: what an undeletion writes back. */
  commit: z.string(),
})
export type Tombstone = Frozen<z.infer<typeof tombstoneSchema>>

export const leaseSchema = z.object({
  format,
  repository: repositoryId,
  scope: z.string(),
  generation: z.int().positive(),
  holder: z.string(),
  host: z.string(),
  ttlSeconds: z.number().positive().max(86_400),
  state: z.enum(['held', 'released']),
  created: moment,
})
export type LeaseDocument = Frozen<z.infer<typeof leaseSchema>>

/** The envelope of every signed document: exactly one signature, over bytes and not over objects. */
export const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: z.string(),
  signatures: z.tuple([z.object({ keyid: z.string(), sig: z.string() })]),
})

export const identitySchema = z.object({
  header: z.string(),
  commitment: z.string(),
  nonce: z.string(),
  ciphertext: z.string(),
  /** Of header, commitment, nonce and ciphertext as bytes, one after the other. Older files have none. */
  sha256: sha256.optional(),
})

export const identityHeaderSchema = z.object({
  format,
  name: z.string(),
  recipient: z.string().startsWith('age1'),
  created: moment,
  kdf: z.object({
    name: z.string(),
    version: z.int(),
    t: z.int(),
    memoryKiB: z.int(),
    p: z.int(),
    salt: z.string(),
  }),
})
export type IdentityHeader = Frozen<z.infer<typeof identityHeaderSchema>>

export const identitySecretSchema = z.object({
  identity: z.string().startsWith('AGE-SECRET-KEY-'),
  signers: z.array(z.string()),
})
