import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'

export const MEBIBYTE = 1024 * 1024
/** The smallest part S3 accepts, but for the last. */
export const SMALLEST_PART = 5 * MEBIBYTE
const LARGEST_PART = 1024 * MEBIBYTE

export interface S3Settings {
  /** `s3://bucket` or `s3://bucket/prefix`. */
  readonly url: string
  /** For servers other than AWS, for example `https://s3.internal:9000`. */
  readonly endpoint?: string
  readonly region?: string
  /** Both keys, or neither: then the credential chain of the AWS tools is used (environment, profile, role of the machine). */
  readonly accessKey?: Secret
  readonly secretKey?: Secret
  /** The bucket in the path and not in the host name. By default: when there is an endpoint. */
  readonly pathStyle?: boolean
  /** A PEM file with the authority that signed the server's certificate. */
  readonly caFile?: string
  /** Accepts any certificate. Every point made with it is marked. */
  readonly insecureTls?: boolean
  /** Size of the first thousand parts of a large upload, in bytes; at least 5 MiB. */
  readonly partSize?: number
  /** Whether the server is known to honour `If-None-Match: *`. When absent it is tried at opening; see docs/contribute/adding-a-storage.md. */
  readonly createOnly?: boolean
}

/** Where blobs go: name `points/1` is the object `<prefix>points/1`. */
export interface Place {
  readonly bucket: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
}

export function parsePlace(url: string): Place {
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
