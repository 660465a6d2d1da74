import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { archiveText } from '../read/archive-text.ts'
import { kleidiaKey } from '../format/key.ts'
import { CIPHER, LENGTH_SIZE, MAGIC, NONCE_SIZE, SALT_SIZE, TAG_SIZE } from '../format/layout.ts'
import { spool, type Spooled } from '../read/spooled.ts'
import { backupType, createdAt, LONGEST_SQL, tooLong, type KleidiaContent } from '../format/kleidia-content.ts'

/** What makes two files of one content differ; given by tests, random otherwise. */
export interface Randomness {
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
}

export interface Composed {
  readonly size: number
  /** The file, once. */
  content(): Bytes
  close(): Promise<void>
}

/**
 * Composes a file. The header stands first and has the checksum of what follows, so the ciphertext is spooled in
 * `folder`; only then is the file known. Close it when it was stored.
 */
export async function composeKleidia(
  content: KleidiaContent,
  password: Secret,
  folder: string,
  context: Context,
  randomness: Randomness = { salt: randomBytes(SALT_SIZE), nonce: randomBytes(NONCE_SIZE) },
): Promise<Composed> {
  checkContent(content)
  const key = await kleidiaKey(password, randomness.salt)
  const hash = createHash('sha256')
  const spooled = await spool(hashed(encrypted(content, key, randomness.nonce, context), hash), folder, context)
  const prefix = prefixOf(outerHeader(content, hash.digest('hex')), randomness)
  return { size: prefix.length + spooled.size, content: () => joined(prefix, spooled), close: () => spooled.close() }
}

function checkContent({ sql, secrets }: KleidiaContent): void {
  if (sql === undefined && secrets === undefined)
    throw new Failure('usage', 'a Kleidia backup needs a database or secrets, and there is neither')
  if (sql !== undefined && sql.size > LONGEST_SQL) throw tooLong()
}

async function* encrypted(content: KleidiaContent, key: Buffer, nonce: Uint8Array, context: Context): Bytes {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_SIZE })
  for await (const chunk of compressed(archiveText(content, context.signal))) yield cipher.update(chunk)
  yield cipher.final()
  yield cipher.getAuthTag()
}

async function* compressed(source: AsyncIterable<Uint8Array>): Bytes {
  const gzip = createGzip()
  const feeding = pipeline(Readable.from(source), gzip)
  // What goes wrong on the way in comes out of gzip too.
  feeding.catch(() => undefined)
  // A stream without an encoding gives bytes.
  yield* gzip as AsyncIterable<Uint8Array>
}

async function* hashed(source: Bytes, hash: ReturnType<typeof createHash>): Bytes {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}

/** In the order of the documentation, which has `includes_audit` here and `includes_audit_logs` inside. */
function outerHeader(content: KleidiaContent, checksum: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: 1,
      created_at: createdAt(content),
      backup_type: backupType(content),
      checksum,
      includes_db: content.sql !== undefined,
      includes_kv: content.secrets !== undefined,
      includes_audit: content.includesAudit,
    }),
  )
}

function prefixOf(header: Buffer, { salt, nonce }: Randomness): Buffer {
  if (salt.length !== SALT_SIZE || nonce.length !== NONCE_SIZE) throw new Failure('bug', 'wrong size of salt or nonce')
  const length = Buffer.alloc(LENGTH_SIZE)
  length.writeUInt32BE(header.length)
  return Buffer.concat([MAGIC, length, header, salt, nonce])
}

async function* joined(prefix: Buffer, spooled: Spooled): Bytes {
  yield prefix
  yield* spooled.read(0)
}
