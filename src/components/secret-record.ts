import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { Failure } from '../core/failure.ts'
import type { Bytes } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../core/texts/secret-bytes.ts'

/**
 * One secret in an artifact of kind 3 (JSON lines), as docs/reference/format.md has it. Hosts and Kubernetes share the shape: only
 * `source`, where the value was taken from, differs by kind of component.
 */
export interface SecretRecord {
  readonly name: string
  /** The exact bytes, in base64 inside. */
  readonly value: Secret
  readonly source: Readonly<Record<string, unknown>>
}

/** The role of the artifact. */
export const SECRETS = 'secrets'

/** The largest secret has 1 MiB, and each of its bytes may be a control character, which JSON writes as six. */
const LINE_LIMIT = 8 * 1024 * 1024
const line = z.object({
  name: z.string().min(1),
  encoding: z.enum(['utf8', 'base64']),
  value: z.string(),
  source: z.record(z.string(), z.unknown()),
})

/** One line of the artifact. Text stays readable with stock tools; anything else is base64. */
export function recordLine({ name, value, source }: SecretRecord): Uint8Array {
  const bytes = bytesOfSecret(value)
  const text = bytes.toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(bytes) && !text.includes('\0')
  const encoded = isText ? { encoding: 'utf8', value: text } : { encoding: 'base64', value: value.reveal() }
  return Buffer.from(`${JSON.stringify({ name, ...encoded, source })}\n`)
}

/** The records of an artifact, one at a time. Fails with `corrupt`, and never says what a line holds. */
export async function* readRecords(content: Bytes): AsyncGenerator<SecretRecord> {
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of content) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield recordOf(Buffer.concat([...parts, chunk.subarray(from, end)]))
      parts = []
      held = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    held += chunk.length - from
    if (held > LINE_LIMIT) throw damaged('a line is too long')
  }
  if (held > 0) throw damaged('the last line has no end')
}

function recordOf(bytes: Buffer): SecretRecord {
  const parsed = line.safeParse(jsonOf(bytes.toString('utf8')))
  if (!parsed.success) throw damaged('a line has another shape')
  const { name, encoding, value, source } = parsed.data
  return { name, value: secretOfBytes(Buffer.from(value, encoding)), source }
}

/** JSON.parse quotes what it could not read, so its own error goes no further. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged('a line is no JSON')
  }
}

function damaged(what: string): Failure {
  return new Failure('corrupt', `the artifact of secrets is damaged: ${what}`)
}

/** The keyed digest of a secret: HMAC-SHA-256 under a random key of the restore point, with the name. */
export function secretDigest(fingerprintKey: Secret, value: Secret): string {
  return createHmac('sha256', bytesOfSecret(fingerprintKey)).update(bytesOfSecret(value)).digest('hex')
}

/** What people may see of a digest. */
export function fingerprintOf(digest: string): string {
  return digest.slice(0, 16)
}
