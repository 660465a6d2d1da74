import { argon2Sync, createCipheriv, createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import { bytesOf } from '../../../repository/documents/bytes.ts'
import type { KleidiaSource } from '../format/source.ts'

/** Files as the documentation has them, and as other writers may have understood it; made in one piece each. */
export interface SampleOptions {
  readonly password?: string
  readonly json?: string | Uint8Array
  /** In place of gzip over the JSON. */
  readonly payload?: Uint8Array
  readonly header?: Readonly<Record<string, unknown>>
  /** In place of the JSON of the header. */
  readonly headerText?: string
  readonly checksum?: (parts: SampleParts) => string | undefined
  readonly additional?: (header: Buffer, magicToHeader: Buffer) => Buffer
  readonly nonceLength?: number
  readonly littleEndian?: boolean
}

export interface SampleParts {
  readonly salt: Buffer
  readonly nonce: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

export const samplePassword = 'correct horse battery staple'

export const sampleHeader = {
  version: 1,
  created_at: '2026-01-17T12:00:00Z',
  backup_type: 'full',
  includes_db: true,
  includes_kv: true,
  includes_audit_logs: true,
}

export const sampleSql = "-- PostgreSQL database dump\nSELECT 'ü€😀\"\\\\';\n-- PostgreSQL database dump complete\n"

/** The JSON of an archive, with the texts of its secrets as they are given. */
export function sampleJson(
  secrets = '{"jwt-secret":{"secret":"abc"},"numbers":{"i":9007199254740993,"f":1.10}}',
): string {
  return `{"header":${JSON.stringify(sampleHeader)},"database_sql":${JSON.stringify(sampleSql)},"vault_secrets":${secrets}}`
}

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const keys = new Map<string, Buffer>()

function keyOf(password: string, salt: Buffer): Buffer {
  const known = keys.get(password)
  if (known !== undefined) return known
  const work = { passes: 3, memory: 65_536, parallelism: 4, tagLength: 32 }
  const key = argon2Sync('argon2id', { message: Buffer.from(password), nonce: salt, ...work })
  keys.set(password, key)
  return key
}

export function sampleFile(options: SampleOptions = {}): Buffer {
  const salt = Buffer.alloc(32, 0x11)
  const nonce = Buffer.alloc(options.nonceLength ?? 12, 0x22)
  const payload = options.payload ?? gzipSync(options.json ?? sampleJson())
  // The checksum is of fixed width, so a header that is authenticated has it once the ciphertext is known: such a
  // writer cannot exist with a checksum over the tag. Those samples have none.
  const draft = options.additional === undefined ? undefined : headerBytes(options, undefined)
  const cipher = createCipheriv('aes-256-gcm', keyOf(options.password ?? samplePassword, salt), nonce, {
    authTagLength: 16,
  })
  if (draft !== undefined) cipher.setAAD(options.additional?.(draft, start(draft, options)) ?? Buffer.alloc(0))
  const ciphertext = Buffer.concat([cipher.update(payload), cipher.final()])
  const tag = cipher.getAuthTag()
  const make = options.checksum ?? (({ ciphertext: text, tag: end }) => sha256(text, end).toString('hex'))
  const header = draft ?? headerBytes(options, make({ salt, nonce, ciphertext, tag }))
  return Buffer.concat([start(header, options), salt, nonce, ciphertext, tag])
}

function headerBytes({ headerText, header }: SampleOptions, checksum: string | undefined): Buffer {
  const { includes_audit_logs: includes_audit, ...rest } = sampleHeader
  return Buffer.from(headerText ?? JSON.stringify({ ...rest, checksum, includes_audit, ...header }))
}

function start(header: Buffer, { littleEndian }: SampleOptions): Buffer {
  const length = Buffer.alloc(4)
  if (littleEndian === true) length.writeUInt32LE(header.length)
  else length.writeUInt32BE(header.length)
  return Buffer.concat([Buffer.from('KLEIDIA_BACKUP_V1'), length, header])
}

export function sourceFor(bytes: Uint8Array, name = 'sample.enc'): KleidiaSource {
  return {
    name,
    location: `memory/${name}`,
    size: bytes.length,
    read: async (_signal, range) =>
      bytesOf(
        bytes.subarray(range?.offset ?? 0, range?.length === undefined ? undefined : range.offset + range.length),
      ),
  }
}

export function sampleContext(signal = new AbortController().signal): Context {
  return { clock: systemClock, effects: directEffects, signal, progress: () => undefined }
}

export const secretPassword = new Secret(samplePassword)

export async function inFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kleidia-'))
  try {
    return await act(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
