import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { duplicateKey } from '../../../repository/documents/duplicate-keys.ts'

/**
 * The header outside of the encryption. Whoever can write to the storage can change it: it is shown as what the file
 * claims, and nothing is decided by it but what to say when the file does not open.
 */
export interface Claims {
  readonly created: string | undefined
  readonly backupType: string | undefined
  readonly checksum: string | undefined
  readonly includesDatabase: boolean | undefined
  readonly includesSecrets: boolean | undefined
  readonly includesAudit: boolean | undefined
}

const text = z.string().max(256)
const version = z.number().int()
const flags = { includes_audit: z.boolean().optional(), includes_audit_logs: z.boolean().optional() }
const outer = z.object({
  version,
  created_at: text.optional(),
  backup_type: text.optional(),
  checksum: text.optional(),
  includes_db: z.boolean().optional(),
  includes_kv: z.boolean().optional(),
  ...flags,
})
export function parseClaims(bytes: Uint8Array, what: string): Claims {
  const found = parse(decode(bytes, what), outer, what)
  return {
    created: found.created_at,
    backupType: found.backup_type,
    checksum: found.checksum,
    includesDatabase: found.includes_db,
    includesSecrets: found.includes_kv,
    includesAudit: auditOf(found, what),
  }
}

/** The documentation names the field differently outside and inside; a file may use either in either place. */
export function auditOf(
  {
    includes_audit: short,
    includes_audit_logs: long,
  }: { includes_audit?: boolean | undefined; includes_audit_logs?: boolean | undefined },
  what: string,
): boolean | undefined {
  if (short !== undefined && long !== undefined && short !== long)
    throw new Failure('corrupt', `${what} says both that audit logs are in it and that they are not`)
  return short ?? long
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Failure('corrupt', `${what} is not UTF-8`)
  }
}

function parse<Output>(json: string, schema: z.ZodType<Output>, what: string): Output {
  const value = parseJson(json, what)
  const found = schema.safeParse(value)
  refuseNewer(value, what)
  if (found.success) return found.data
  const issue = found.error.issues[0]
  throw new Failure(
    'corrupt',
    `${what} is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong shape'}`,
  )
}

/** Fails with `unsupported` for a header that states another version than 1. */
export function refuseNewer(header: unknown, what: string): void {
  const stated = z.object({ version: z.number() }).safeParse(header)
  if (!stated.success || stated.data.version === 1) return
  throw new Failure('unsupported', `${what} has version ${stated.data.version}; this is read up to version 1`)
}

/** Fails with `corrupt` for what is no JSON, or has a key twice. */
export function parseJson(json: string, what: string): unknown {
  try {
    const value: unknown = JSON.parse(json)
    const twice = duplicateKey(json)
    if (twice === undefined) return value
  } catch {
    // The parser's message quotes the text.
    throw new Failure('corrupt', `${what} is not JSON`)
  }
  throw new Failure('corrupt', `${what} has a key twice`)
}
