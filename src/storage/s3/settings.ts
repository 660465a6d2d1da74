import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import { secretReference } from '../../system/secret-reference.ts'
import type { OpenSettings } from '../kind.ts'

export const MEBIBYTE = 1024 * 1024
/** The smallest part S3 accepts, but for the last. */
export const SMALLEST_PART = 5 * MEBIBYTE
const LARGEST_PART = 1024 * MEBIBYTE

/** The keys of a repository in a bucket. */
export const s3Shape = {
  endpoint: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .optional()
    .meta({ description: 'S3: the server, when it is not AWS.' }),
  region: z.string().min(1).optional().meta({ description: 'S3: the region.' }),
  // Both keys, or neither: then the credential chain of the AWS tools is used (environment, profile, role of the machine).
  accessKey: secretReference.optional(),
  secretKey: secretReference.optional(),
  pathStyle: z.boolean().optional().meta({ description: 'S3: the bucket in the path instead of the host name.' }),
  ca: z
    .string()
    .regex(/^\//, 'expected an absolute path')
    .optional()
    .meta({ description: "S3: file with the CA certificates that sign the server's." }),
  insecureTls: z
    .boolean()
    .optional()
    .meta({ description: "S3: do not check the server's certificate. Marked on every restore point." }),
}

export type S3Settings = OpenSettings<typeof s3Shape> & {
  /** Size of the first thousand parts of a large upload, in bytes; at least 5 MiB. */
  readonly partSize?: number
}

/** Where blobs go: name `points/1` is the object `<prefix>points/1`. */
export interface S3Location {
  readonly bucket: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
}

export function parsePlace(url: string): S3Location {
  const match = /^s3:\/\/([a-zA-Z0-9][a-zA-Z0-9._-]{1,62})(?:\/(.*))?$/.exec(url)
  const [, bucket, path = ''] = match ?? []
  if (bucket === undefined) throw wrongUrl(url)
  const segments = path.split('/').filter((segment) => segment !== '')
  if (segments.some((segment) => !/^[A-Za-z0-9._=-]+$/.test(segment) || segment === '.' || segment === '..'))
    throw wrongUrl(url)
  return { bucket, prefix: segments.map((segment) => `${segment}/`).join('') }
}

function wrongUrl(url: string): Failure {
  // A user may have put keys into the URL: it is not repeated.
  return new Failure(
    'usage',
    `S3 location ${url.includes('@') ? '' : `${url} `}is not a bucket with an optional prefix`.replace('  ', ' '),
    {
      hint: 'Write s3://bucket or s3://bucket/prefix. Keys and endpoint are settings of their own.',
    },
  )
}

/** Fails with `usage` when settings contradict each other. */
export function assertSettings(settings: S3Settings): void {
  if ((settings.accessKey === undefined) !== (settings.secretKey === undefined)) {
    throw new Failure('usage', 'S3 settings have one key without the other', {
      hint: 'Give both accessKey and secretKey, or neither to use the credential chain of the AWS tools.',
    })
  }
  const partSize = settings.partSize ?? SMALLEST_PART
  if (!Number.isSafeInteger(partSize) || partSize < SMALLEST_PART || partSize > LARGEST_PART) {
    throw new Failure('usage', `S3 part size ${partSize} is outside 5 MiB to 1 GiB`)
  }
  const isHttp = /^https?:\/\/[^/@]+\/?$/.test(settings.endpoint ?? 'http://none')
  if (!isHttp)
    throw new Failure('usage', 'S3 endpoint is not of the form https://host:port', {
      hint: 'Keys and paths do not belong into the endpoint.',
    })
}

/** What restore points made with these settings are marked with. */
export function remarksOf(settings: S3Settings): readonly string[] {
  if (settings.insecureTls === true) return ['insecure TLS']
  const host = /^http:\/\/(\[[^\]]*\]|[^:/]*)/.exec(settings.endpoint ?? '')?.[1]
  if (host === undefined || /^(localhost|127\..*|\[::1\])$/.test(host)) return []
  return ['no TLS']
}
