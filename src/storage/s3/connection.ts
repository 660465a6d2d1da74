import type * as Client from '@aws-sdk/client-s3'
import { readFile } from 'node:fs/promises'
import { Failure } from '../../core/failure.ts'
import type { Clock } from '../../core/ports.ts'
import type { Demands } from './upload/checksum.ts'
import { LATER_RETRIES } from '../repeat.ts'
import { PieceBuffers } from '../streams.ts'
import { assertSettings, parsePlace, remarksOf, SMALLEST_PART } from './settings.ts'
import type { S3Location, S3Settings } from './settings.ts'

/** The SDK takes a fifth of a second to load, so only those who use S3 load it. */
export type Sdk = typeof Client

const CONNECT_LIMIT = 10_000
const SOCKETS = 32
/** Small, because each upload holds two or three in memory, and a backup has several at once. */
const DEFAULT_PART = SMALLEST_PART

/** All that the parts of the S3 storage need to talk to one bucket. */
export interface Connection {
  readonly sdk: Sdk
  readonly client: Client.S3Client
  readonly place: S3Location
  readonly location: string
  readonly remarks: readonly string[]
  readonly clock: Clock
  readonly limits: Limits
  /** Size of the first parts of an upload, in bytes. */
  readonly partSize: number
  /** Whether writes are made conditional on there being no object of the name. */
  readonly createOnly: boolean
  readonly demands: Demands
  /** Whether the server has answered a request: until then its address may be wrong. */
  readonly contact: { answered: boolean }
  /** For the pieces of all uploads. */
  readonly buffers: PieceBuffers
  /** Uploads in parts that are under way. */
  readonly uploads: Set<unknown>
  /** Told what went wrong beside the result, such as an upload that could not be ended. */
  readonly warn: (message: string) => void
}

export interface Limits {
  /** Longest time without an answer, in milliseconds. */
  readonly idle: number
  /** Slowest transfer of a part that is waited for, in bytes a second. */
  readonly slowest: number
  /** How often a request of a put, or one that goes on with a read, is made again after a failure that may pass. */
  readonly retries: number
  /** Wait before the first repetition, in milliseconds; it doubles from one to the next. */
  readonly firstPause: number
}

export const defaultLimits: Limits = { idle: 60_000, slowest: 32 * 1024, retries: LATER_RETRIES, firstPause: 500 }

export interface ConnectOptions {
  readonly clock: Clock
  readonly limits: Limits
  readonly warn: (message: string) => void
}

/** A connection that takes the storage to be able of all that the settings do not say otherwise. Sends nothing yet. */
export async function connect(settings: S3Settings, options: ConnectOptions): Promise<Connection> {
  assertSettings(settings)
  const place = parsePlace(settings.url)
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    ...placeOf(settings),
    ...credentialsOf(settings),
    forcePathStyle: settings.pathStyle ?? settings.endpoint !== undefined,
    // Retries are ours: only who made a request twice knows that a refusal may be the echo of its own success.
    maxAttempts: 1,
    // Otherwise the SDK frames bodies with trailing checksums, and some servers store the framing as content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Servers that never say "100 Continue" would cost six seconds a part, and others refuse to be asked.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_LIMIT,
      httpAgent: { maxSockets: SOCKETS },
      httpsAgent: { maxSockets: SOCKETS, ...(await trustOf(settings)) },
    },
  })
  const at = settings.endpoint === undefined ? '' : ` at ${settings.endpoint}`
  const location = `s3://${place.bucket}/${place.prefix}`.replace(/\/$/, '') + at
  return {
    sdk,
    client,
    place,
    location,
    remarks: remarksOf(settings),
    partSize: settings.partSize ?? DEFAULT_PART,
    createOnly: settings.createOnly ?? true,
    demands: { partDigest: false, noDigest: false, plainCompletion: false },
    contact: { answered: false },
    buffers: new PieceBuffers(settings.partSize ?? DEFAULT_PART),
    uploads: new Set(),
    ...options,
  }
}

/** Servers other than AWS mostly have no regions; with AWS the region comes from its environment when it is not set. */
function placeOf({ region, endpoint }: S3Settings): { region?: string; endpoint?: string } {
  if (endpoint !== undefined) return { endpoint, region: region ?? 'us-east-1' }
  return region === undefined ? {} : { region }
}

function credentialsOf(settings: S3Settings): {
  credentials?: () => Promise<{ accessKeyId: string; secretAccessKey: string }>
} {
  const { accessKey, secretKey } = settings
  if (accessKey === undefined || secretKey === undefined) return {}
  return { credentials: async () => ({ accessKeyId: accessKey.reveal(), secretAccessKey: secretKey.reveal() }) }
}

async function trustOf(settings: S3Settings): Promise<{ ca?: string; rejectUnauthorized?: false }> {
  if (settings.insecureTls === true) return { rejectUnauthorized: false }
  if (settings.ca === undefined) return {}
  try {
    return { ca: await readFile(settings.ca, 'utf8') }
  } catch (cause) {
    throw new Failure('notFound', `certificate file ${settings.ca} cannot be read`, {
      cause,
      hint: 'Check ca in the configuration.',
    })
  }
}

/** The same connection without repetitions, for calls that are one request: whoever makes the call can repeat it. */
export function withoutRetries(connection: Connection): Connection {
  return { ...connection, limits: { ...connection.limits, retries: 0 } }
}

/** The object that a blob is. */
export function objectOf(
  connection: Pick<Connection, 'place'>,
  name: string,
): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: connection.place.bucket, Key: connection.place.prefix + name }
}
