import { createHash } from 'node:crypto'
import { Failure } from '../../core/failure.ts'

/** The databases that one restore of one database may make, by name. All but `live` exist only because of Holdfast. */
export interface RestoreNames {
  readonly live: string
  /** Where the restore is loaded, beside the live database. */
  readonly side: string
  /** Where the point's definitions are loaded without rows, while the two are compared. */
  readonly reference: string
  /** What was live before the swap. */
  readonly previous: string
  /** What the restore brought, after an undo. */
  readonly undone: string
}

/** PostgreSQL cuts identifiers off at 63 bytes, so a longer name would silently be another one. */
const NAME_LIMIT = 63
const HASH_DIGITS = 6

/**
 * The names of a restore. Pure, so that a later run finds what an earlier one made; two databases never share a name,
 * even when both are too long to be kept whole.
 */
export function restoreNames(database: string, restoreId: string): RestoreNames {
  if (!/^[0-9a-f]{8}$/.test(restoreId))
    throw new Failure('usage', `restore id ${JSON.stringify(restoreId)} is not 8 hexadecimal digits`)
  if (Buffer.byteLength(database) > NAME_LIMIT || database.includes('\0')) {
    throw new Failure(
      'usage',
      `database name ${JSON.stringify(database)} is not a PostgreSQL name: at most ${NAME_LIMIT} bytes, without NUL`,
    )
  }
  return {
    live: database,
    side: withSuffix(database, `__r_${restoreId}`),
    reference: withSuffix(database, `__ref_${restoreId}`),
    previous: withSuffix(database, `__prev_${restoreId}`),
    undone: withSuffix(database, `__undone_${restoreId}`),
  }
}

function withSuffix(base: string, suffix: string): string {
  if (Buffer.byteLength(base + suffix) <= NAME_LIMIT) return base + suffix
  const hash = createHash('sha256').update(base).digest('hex').slice(0, HASH_DIGITS)
  return `${cut(base, NAME_LIMIT - suffix.length - HASH_DIGITS - 1)}_${hash}${suffix}`
}

/** The longest start of `text` that has at most `bytes` bytes and does not end inside a character. */
function cut(text: string, bytes: number): string {
  let kept = ''
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > bytes) break
    kept += character
  }
  return kept
}
