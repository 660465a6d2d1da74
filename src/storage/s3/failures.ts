import { z } from 'zod'
import { faultOfCode } from '../../core/environment-fault.ts'
import { Failure } from '../../core/failure.ts'
import type { FailureKind } from '../../core/failure.ts'

/** What the SDK tells of an error; every field may be missing. */
const errorSchema = z.object({
  name: z.string().catch(''),
  message: z.string().catch(''),
  code: z.string().optional().catch(undefined),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional().catch(undefined),
  $response: z
    .object({ headers: z.object({ location: z.string().optional() }).optional() })
    .optional()
    .catch(undefined),
})

export interface S3Error {
  /** The S3 code, such as `NoSuchKey`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string
  readonly status: number | undefined
  readonly message: string
  /** Where a redirection leads. */
  readonly location?: string | undefined
}

export function readError(error: unknown): S3Error {
  const parsed = errorSchema.safeParse(error)
  if (!parsed.success) return { code: '', status: undefined, message: String(error) }
  const { name, code, message, $metadata, $response } = parsed.data
  return { code: code ?? name, status: $metadata?.httpStatusCode, message, location: $response?.headers?.location }
}

/** The next step where a server lacks something. */
export const NEEDED =
  'docs/contribute/adding-a-storage.md lists what Holdfast needs of S3. Use storage that offers it, or a folder (file:///…).'

interface Meaning {
  readonly kind: FailureKind
  readonly what: string
  readonly hint?: string
}

const wrongRegion: Meaning = {
  kind: 'usage',
  what: 'the bucket is in another region',
  hint: 'Set region (or endpoint) to where the bucket is.',
}
const noCredentials: Meaning = {
  kind: 'denied',
  what: 'no credentials were found',
  hint: 'Set accessKey and secretKey in the configuration, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or give the machine a role or a profile.',
}
const full: Meaning = {
  kind: 'refused',
  what: 'the storage is full or over its quota',
  hint: 'Free space or raise the quota, then run it again.',
}
const untrusted: Meaning = {
  kind: 'denied',
  what: 'the certificate of the server is not trusted',
  hint: 'Set ca to a file with the certificate of the authority that signed it.',
}
const unreachable: Meaning = {
  kind: 'unreachable',
  what: 'the storage cannot be reached',
  hint: 'Check endpoint, name resolution and network.',
}
const overloaded: Meaning = { kind: 'unreachable', what: 'the storage is overloaded or failing' }
const wrongBytes: Meaning = {
  kind: 'corrupt',
  what: 'the bytes that arrived are not those that were sent',
  hint: 'Something between here and the storage changes data. Check the memory, network cards and proxies.',
}
const wrongClock: Meaning = {
  kind: 'denied',
  what: 'the clocks of this machine and of the storage differ too much',
  hint: 'Set the clock of this machine (NTP).',
}
const wrongKey: Meaning = {
  kind: 'denied',
  what: 'the storage does not accept the keys',
  hint: 'Check accessKey and secretKey.',
}
const lacking: Meaning = { kind: 'unsupported', what: 'the storage does not offer this', hint: NEEDED }
const notUnderstood: Meaning = {
  kind: 'unsupported',
  what: 'the answer of the storage was not understood',
  hint: 'Check that endpoint is an S3 server and that no proxy answers in its place.',
}
const elsewhere: Meaning = {
  kind: 'usage',
  what: 'the storage sends to another address',
  hint: 'Set region (or endpoint) to where the bucket is.',
}

const meaningOfCode: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: {
    kind: 'notFound',
    what: 'there is no such bucket',
    hint: 'Create the bucket, or correct its name in the URL.',
  },
  InvalidBucketName: { kind: 'usage', what: 'the name of the bucket is not allowed' },
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidAccessKeyId: wrongKey,
  SignatureDoesNotMatch: wrongKey,
  ExpiredToken: { kind: 'denied', what: 'the credentials have expired', hint: 'Renew them.' },
  RequestTimeTooSkewed: wrongClock,
  CredentialsProviderError: noCredentials,
  BadDigest: wrongBytes,
  XAmzContentSHA256Mismatch: wrongBytes,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  EntityTooLarge: { kind: 'refused', what: 'the blob is too large for this storage' },
  NotImplemented: lacking,
  RequestTimeout: overloaded,
  SlowDown: overloaded,
  InternalError: overloaded,
  ServiceUnavailable: overloaded,
  TimeoutError: unreachable,
  AbortError: unreachable,
  ConditionalRequestConflict: {
    kind: 'unreachable',
    what: 'another request for the same name was under way',
    hint: 'Run it again.',
  },
  OperationAborted: {
    kind: 'unreachable',
    what: 'another request for the same name was under way',
    hint: 'Run it again.',
  },
}

const meaningOfStatus: Readonly<Record<number, Meaning>> = {
  301: elsewhere,
  302: elsewhere,
  303: elsewhere,
  307: elsewhere,
  308: elsewhere,
  400: lacking,
  401: wrongKey,
  403: {
    kind: 'denied',
    what: 'access is denied',
    hint: 'Check that the keys are right and that their policy allows this on the bucket and prefix. Without s3:ListBucket a missing object looks like a forbidden one.',
  },
  405: lacking,
  408: overloaded,
  409: { kind: 'unreachable', what: 'another request for the same name was under way', hint: 'Run it again.' },
  411: lacking,
  412: lacking,
  413: { kind: 'refused', what: 'the blob is too large for this storage' },
  429: overloaded,
  501: lacking,
  507: full,
}

const networkCode = /^(E[A-Z]{3,}|UND_ERR_.*|EPROTO|HPE_.*|ERR_STREAM_PREMATURE_CLOSE|ERR_SOCKET_.*)$/
const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS/

/** What is used up on this machine, such as open files, which no network repairs. */
function limitHere(code: string): Meaning | undefined {
  const fault = faultOfCode(code)
  return fault?.kind === 'refused' ? fault : undefined
}

function meaningOf(error: S3Error): Meaning {
  const { code, status } = error
  const known = meaningOfCode[code] ?? (status === undefined ? limitHere(code) : meaningOfStatus[status])
  if (known !== undefined) return known
  if (status !== undefined && status >= 500) return overloaded
  if (certificateCode.test(code)) return untrusted
  // Without a status there was no answer: whatever broke, broke on the way.
  if (networkCode.test(code) || (status === undefined && /socket|network|aborted|timed? ?out/i.test(error.message)))
    return unreachable
  if (/region is missing/i.test(error.message)) return { ...wrongRegion, what: 'no region is set' }
  if (status === undefined) return { kind: 'bug', what: 'the request could not be made' }
  return status >= 400 ? lacking : notUnderstood
}

/** An error of the SDK as the failure that says what to do about it; `act` reads like `put data/1`. */
export function s3Failure(cause: unknown, act: string, location: string): Failure {
  if (cause instanceof Failure) return cause
  const error = readError(cause)
  const { kind, what, hint } = meaningOf(error)
  const told = [error.code, error.status, error.location].filter((part) => part !== undefined && part !== '').join(' ')
  return new Failure(kind, `${act} in ${location} failed: ${what}${told === '' ? '' : ` (${told})`}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    facts: { code: error.code, ...(error.status === undefined ? {} : { status: error.status }) },
  })
}

/** Whether the request failed because the object, or the upload, is not there. */
export function isAbsent(error: unknown): boolean {
  const { code, status } = readError(error)
  return (
    code === 'NoSuchKey' ||
    code === 'NotFound' ||
    code === 'NoSuchUpload' ||
    (status === 404 && code !== 'NoSuchBucket')
  )
}

/** Whether a request was refused because it had no Content-MD5, as AWS does in a bucket with object lock. */
export function wantsDigest(error: unknown): boolean {
  const { code, status, message } = readError(error)
  return code === 'MissingContentMD5' || (status === 400 && /content-md5/i.test(message))
}

/** Whether the server does not offer what was asked, or not in this way. */
export function isLacking(error: unknown): boolean {
  return error instanceof Failure ? error.kind === 'unsupported' : meaningOf(readError(error)).kind === 'unsupported'
}

/** Whether a create-only request was refused because the object exists. */
export function isTaken(error: unknown): boolean {
  const { code, status } = readError(error)
  return status === 412 || code === 'PreconditionFailed'
}
