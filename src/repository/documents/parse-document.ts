import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import { duplicateKey } from './duplicate-keys.ts'

export const DOCUMENT_LIMIT = 1024 * 1024
export const MANIFEST_LIMIT = 256 * 1024 * 1024
const FORMAT = 1

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a JSON document of the repository. Fails with `corrupt` when it is over 1 MiB, not UTF-8, not JSON, has a key
 * twice or not the shape of `schema`, and with `unsupported` when a newer format wrote it. Unknown keys are dropped.
 */
export function parseDocument<Output>(bytes: Uint8Array, schema: z.ZodType<Output>, what: string): Output {
  return parseWithin(DOCUMENT_LIMIT, bytes, schema, what)
}

/** Reads a private manifest, which may be 256 MiB: as parseDocument. */
export function parseManifest<Output>(bytes: Uint8Array, schema: z.ZodType<Output>, what: string): Output {
  return parseWithin(MANIFEST_LIMIT, bytes, schema, what)
}

function parseWithin<Output>(limit: number, bytes: Uint8Array, schema: z.ZodType<Output>, what: string): Output {
  if (bytes.length > limit) throw new Failure('corrupt', `${what} is longer than ${limit} bytes`)
  const text = decodeText(bytes, what)
  const value = parseJson(text, what)
  const twice = duplicateKey(text)
  if (twice !== undefined) throw new Failure('corrupt', `${what} has the key ${JSON.stringify(twice)} twice`)
  return shaped(value, schema, what)
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new Failure('corrupt', `${what} is not UTF-8`, { cause })
  }
}

/** A byte order mark is no JSON, so JSON.parse rejects it. */
function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may be a secret: it is not kept as the cause.
    throw new Failure('corrupt', `${what} is not JSON`)
  }
}

const formatted = z.object({ format: z.number() })

function shaped<Output>(value: unknown, schema: z.ZodType<Output>, what: string): Output {
  const { data } = formatted.safeParse(value)
  if (data !== undefined && data.format > FORMAT) throw newer(what, data.format)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Failure(
    'corrupt',
    `${what} is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong shape'}`,
  )
}

function newer(what: string, format: number): Failure {
  return new Failure('unsupported', `${what} has format ${format}, this version reads up to ${FORMAT}`, {
    hint: 'Use the version of Holdfast that wrote it, or a newer one.',
  })
}
