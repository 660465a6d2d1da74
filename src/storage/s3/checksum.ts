import { createHash } from 'node:crypto'

/**
 * The Content-MD5 of a body: the one checksum that every S3 server knows, and that all but one of those measured check
 * (docs/decisions/storage-s3.md). It guards the way there; what is stored is read back and decrypted later.
 */
export function contentMd5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64')
}
