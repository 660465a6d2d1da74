import type { ArtifactKind } from '../../core/artifact-kind.ts'
import { Failure } from '../../core/failure.ts'
import { fromHex } from '../documents/encoding.ts'

/** The first 56 bytes of an artifact: docs/reference/format.md section 4. Bound into its keys, so that no byte of it can be changed. */
export const HEADER_LENGTH = 56
const MAGIC = Buffer.from('89484c440d0a1a0a', 'hex')
const VERSION = 1
const SUITE = 1
/** The end of the fields; from here to the end of the header are zeros. */
const RESERVED = 50

/** The numbers of docs/reference/format.md section 4; they are written nowhere else. */
export const KIND_NUMBERS = {
  'pg-dump': 1,
  'copy-rows': 2,
  'json-lines': 3,
  tar: 4,
  sql: 6,
} as const satisfies Record<ArtifactKind, number>
export const MANIFEST_NUMBER = 5
export type KindNumber = (typeof KIND_NUMBERS)[ArtifactKind] | typeof MANIFEST_NUMBER
export type Compression = 0 | 1
export const ZSTD_FRAMES = 1

export interface ArtifactHeader {
  readonly repository: string
  readonly point: string
  /** 0 is the manifest. */
  readonly number: number
  readonly kind: KindNumber
  readonly compression: Compression
}

/** What the reader of an artifact knows about it beforehand. */
export interface ExpectedHeader {
  readonly repository: string
  readonly point: string
  readonly number: number
  readonly kind?: KindNumber
  readonly compression?: Compression
}

export function encodeHeader(header: ArtifactHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH)
  MAGIC.copy(bytes)
  bytes[8] = VERSION
  bytes[9] = SUITE
  bytes.writeUInt16BE(HEADER_LENGTH, 10)
  fromHex(header.repository).copy(bytes, 12)
  fromHex(header.point).copy(bytes, 28)
  bytes.writeUInt32BE(header.number, 44)
  bytes[48] = header.kind
  bytes[49] = header.compression
  return bytes
}

/**
 * Reads a header and compares it with what is expected, in the order that the format prescribes: what is not an
 * artifact at all is `corrupt`, what this version does not know `unsupported`, what belongs elsewhere `corrupt`.
 */
export function parseHeader(bytes: Buffer, expected: ExpectedHeader): ArtifactHeader {
  if (!bytes.subarray(0, 8).equals(MAGIC)) throw new Failure('corrupt', 'not an artifact: wrong magic')
  const header = knownHeader(bytes)
  const wrong = firstDifference(bytes, header, expected)
  if (wrong !== undefined)
    throw new Failure(
      'corrupt',
      `artifact ${expected.number} of restore point ${expected.point} has the wrong ${wrong}`,
    )
  return header
}

function knownHeader(bytes: Buffer): ArtifactHeader {
  const [version, suite, kind, compression] = [bytes[8], bytes[9], bytes[48], bytes[49]]
  if (version !== VERSION) throw unknown('version', version)
  if (suite !== SUITE) throw unknown('suite', suite)
  if (!isKind(kind)) throw unknown('kind', kind)
  if (!isCompression(compression)) throw unknown('compression', compression)
  const [repository, point] = [bytes.toString('hex', 12, 28), bytes.toString('hex', 28, 44)]
  return { repository, point, number: bytes.readUInt32BE(44), kind, compression }
}

function firstDifference(bytes: Buffer, found: ArtifactHeader, expected: ExpectedHeader): string | undefined {
  if (bytes.readUInt16BE(10) !== HEADER_LENGTH) return 'header length'
  if (found.repository !== expected.repository) return 'repository id'
  if (found.point !== expected.point) return 'point id'
  if (found.number !== expected.number) return 'number'
  if (expected.kind !== undefined && found.kind !== expected.kind) return 'kind'
  if (expected.compression !== undefined && found.compression !== expected.compression) return 'compression'
  if (bytes.subarray(RESERVED, HEADER_LENGTH).some((byte) => byte !== 0)) return 'reserved bytes'
  return undefined
}

function isKind(value: number | undefined): value is KindNumber {
  const known: readonly unknown[] = [MANIFEST_NUMBER, ...Object.values(KIND_NUMBERS)]
  return known.includes(value)
}

function isCompression(value: number | undefined): value is Compression {
  return value === 0 || value === ZSTD_FRAMES
}

function unknown(field: string, value: number | undefined): Failure {
  return new Failure('unsupported', `artifact has the unknown ${field} ${value}`, {
    hint: 'Use the version of Holdfast that wrote it, or a newer one.',
  })
}
