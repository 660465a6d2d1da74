import { createCipheriv, createHash, argon2Sync, randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, constants } from 'node:zlib'

const LINE = 128

/** What is in a large file. */
export interface LargeFile {
  readonly sqlSize: number
  readonly sqlSha256: string
}

/**
 * Writes a backup with about `bytes` of SQL, a piece at a time. The header's checksum has a fixed width: it is filled in
 * at the end.
 */
export async function writeLargeFile(path: string, password: string, bytes: number): Promise<LargeFile> {
  const [salt, nonce] = [randomBytes(32), randomBytes(12)]
  const work = { passes: 3, memory: 65_536, parallelism: 4, tagLength: 32 }
  const key = argon2Sync('argon2id', { message: Buffer.from(password), nonce: salt, ...work })
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  const start = prefix('0'.repeat(64))
  const put = async (chunk: Uint8Array): Promise<void> => {
    hash.update(chunk)
    await file.appendFile(chunk)
  }
  await file.appendFile(Buffer.concat([start, salt, nonce]))
  const sql = new LargeSql(bytes)
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  const feeding = pipeline(Readable.from(sql.archive()), gzip)
  for await (const chunk of gzip) await put(cipher.update(chunk as Uint8Array))
  await feeding
  await put(Buffer.concat([cipher.final(), cipher.getAuthTag()]))
  await file.close()
  const again = await open(path, 'r+')
  await again.write(prefix(hash.digest('hex')), 0, start.length, 0)
  await again.close()
  return sql.facts()
}

function prefix(checksum: string): Buffer {
  const header = Buffer.from(
    `{"version":1,"created_at":"2026-01-17T12:00:00Z","backup_type":"full","checksum":"${checksum}","includes_db":true,"includes_kv":true,"includes_audit":true}`,
  )
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([Buffer.from('KLEIDIA_BACKUP_V1'), length, header])
}

const HEAD = `-- PostgreSQL database dump
SET client_encoding = 'UTF8';
CREATE TABLE public.large (n bigint, random text, quoted text, nothing text, body text);
COPY public.large (n, random, quoted, nothing, body) FROM stdin;
`
const TAIL = '\\.\n\n-- PostgreSQL database dump complete\n'

/** A dump of one table: COPY lines with tabs, quotes and characters of several bytes, a tenth of them new in every line. */
class LargeSql {
  readonly #bytes: number
  readonly #hash = createHash('sha256')
  #size = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  *archive(): Generator<Buffer, void, void> {
    yield Buffer.from(
      '{"header":{"version":1,"created_at":"2026-01-17T12:00:00Z","backup_type":"full","includes_db":true,"includes_kv":true,"includes_audit_logs":true},"vault_secrets":{"a":{"n":1.10}},"database_sql":"',
    )
    yield this.#text(HEAD)
    while (this.#size < this.#bytes) yield this.#text(this.#lines())
    yield this.#text(TAIL)
    yield Buffer.from('"}')
  }

  facts(): LargeFile {
    return { sqlSize: this.#size, sqlSha256: this.#hash.digest('hex') }
  }

  #text(text: string): Buffer {
    this.#hash.update(text)
    this.#size += Buffer.byteLength(text)
    return Buffer.from(JSON.stringify(text).slice(1, -1))
  }

  #lines(): string {
    const random = randomBytes(8 * 512).toString('hex')
    const lines = Array.from({ length: 512 }, (_, row) => {
      const start = `${this.#size + row}\t${random.slice(row * 16, row * 16 + 16)}\t"ü€😀"\t\\N\t`
      return `${start}${'certificate '.repeat(10)}`.slice(0, LINE)
    })
    return `${lines.join('\n')}\n`
  }
}
