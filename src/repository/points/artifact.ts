import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { measured } from '../documents/bytes.ts'
import type { PlainTotals } from './pack.ts'
import { ZSTD_FRAMES, type Compression } from '../envelope/header.ts'
import { unseal, type UnsealRequest } from '../envelope/unseal.ts'
import { unpack } from './unpack.ts'

/** An artifact whose compression is known from the manifest, as always except for the manifest itself. */
export interface ArtifactRequest extends UnsealRequest {
  readonly compression: Compression
}

/** The plain content of an artifact; every byte was authenticated before it is released. */
export function plainContent(sealed: Bytes, request: ArtifactRequest): Bytes {
  const content = unseal(sealed, request)
  return request.compression === ZSTD_FRAMES ? unpack(content, undefined, true) : content
}

/** As plainContent, and fails with `corrupt` at the end unless length and hash are those expected. */
export async function* checkedContent(sealed: Bytes, request: ArtifactRequest, expected: PlainTotals): Bytes {
  const { content, totals } = measured(plainContent(sealed, request))
  yield* content
  const found = totals()
  if (found.size === expected.plainSize && found.sha256 === expected.plainSha256) return
  throw new Failure(
    'corrupt',
    `artifact ${request.number} of restore point ${request.point} does not have the content that its manifest says`,
    {
      facts: { expectedSize: expected.plainSize, foundSize: found.size },
    },
  )
}
