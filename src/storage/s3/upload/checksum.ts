import { createHash } from 'node:crypto'
import { isLacking, wantsDigest } from '../failures.ts'

/**
 * The Content-MD5 of a body: the one checksum that every S3 server knows, and that all but one of those measured check
 * (docs/decisions/storage-s3.md). It guards the way there; what is stored is read back and decrypted later.
 */
export function contentMd5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64')
}

/** What a server was found to demand, or not to offer. */
export interface Demands {
  /** Every part must have a Content-MD5. */
  partDigest: boolean
  /** Content-MD5 is refused. */
  noDigest: boolean
  /** An upload in parts is completed without a condition. */
  plainCompletion: boolean
}

type Digest = { readonly ContentMD5?: string }

/** Sends a body that goes in one request, with its MD5 unless the server refuses that. */
export async function withDigest<Answer>(
  { demands }: { readonly demands: Demands },
  body: Uint8Array,
  send: (digest: Digest) => Promise<Answer>,
): Promise<Answer> {
  if (demands.noDigest) return send({})
  try {
    return await send({ ContentMD5: contentMd5(body) })
  } catch (error) {
    if (!isLacking(error)) throw error
    // Where it fails without as well, something else is lacking, which the first answer says.
    const answer = await send({}).catch(() => Promise.reject(error))
    demands.noDigest = true
    return answer
  }
}

/**
 * Sends a part. Its SHA-256 is in the signature of the request, so an MD5 beside it would only cost time, half of it at
 * the server; but with object lock some servers refuse a part that has none. The first one that is refused says so for all.
 */
export async function withPartDigest<Answer>(
  { demands }: { readonly demands: Demands },
  body: Uint8Array,
  send: (digest: Digest) => Promise<Answer>,
): Promise<Answer> {
  const { partDigest: digest } = demands
  try {
    return await send(digest ? { ContentMD5: contentMd5(body) } : {})
  } catch (error) {
    if (digest || !wantsDigest(error)) throw error
    demands.partDigest = true
    return send({ ContentMD5: contentMd5(body) })
  }
}
