/**
 * The file, as Kleidia's documentation lays it out:
 *
 *   magic 17 | length of the header, u32 big-endian | header, JSON | salt 32 | nonce 12 | ciphertext, then tag 16
 *
 * The ciphertext is AES-256-GCM over gzip over one JSON object.
 */
export const MAGIC = Buffer.from('KLEIDIA_BACKUP_V1', 'latin1')
export const LENGTH_SIZE = 4
export const SALT_SIZE = 32
export const NONCE_SIZE = 12
export const TAG_SIZE = 16
export const CIPHER = 'aes-256-gcm'

/** Lengths of a header that are read: from `{}` to far more than its seven fields need. */
export const SHORTEST_HEADER = 2
export const LONGEST_HEADER = 65_536

/** What can stand before the ciphertext, at most. */
export const LONGEST_PREFIX = MAGIC.length + LENGTH_SIZE + LONGEST_HEADER + SALT_SIZE + NONCE_SIZE

/** AES-GCM must not encrypt more under one nonce. */
export const LONGEST_CIPHERTEXT = 64 * 2 ** 30 - 32

/** The archive's fixed cost for each guess at a password; the documentation gives no other. */
export const WORK = { passes: 3, memory: 65_536, parallelism: 4, tagLength: 32 } as const
