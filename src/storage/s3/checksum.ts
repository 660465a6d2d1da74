import { createHash } from 'node:crypto'
import { wantsDigest } from './failures.ts'

/**
 * The Content-MD5 of a body: the one checksum that every S3 server knows, and that all but one of those measured check
 * (docs/decisions/storage-s3.md). It guards the way there; what is stored is read back and decrypted later.
 */
export function contentMd5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64')
}

/** What a server was found to demand. */
export interface Demands {
  digest: boolean
}

/**
 * Sends a part. Its SHA-256 is in the signature of the request, so an MD5 beside it would only cost time, half of it at
 * the server; but with object lock some servers refuse a part that has none. The first one that is refused says so for all.
 */
export async function withDigest<Answer>(
  { demands }: { readonly demands: Demands },
  body: Uint8Array,
  send: (digest: { readonly ContentMD5?: string }) => Promise<Answer>,
): Promise<Answer> {
  const { digest } = demands
  try {
    return await send(digest ? { ContentMD5: contentMd5(body) } : {})
  } catch (error) {
    if (digest || !wantsDigest(error)) throw error
    demands.digest = true
    return send({ ContentMD5: contentMd5(body) })
  }
}
