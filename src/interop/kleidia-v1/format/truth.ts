import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { auditOf, parseJson, refuseNewer } from './claims.ts'

/** The header inside of the encryption, which is the truth. What it does not say, or not rightly, is undefined. */
export interface Truth {
  readonly created: string | undefined
  readonly backupType: string | undefined
  readonly includesDatabase: boolean | undefined
  readonly includesSecrets: boolean | undefined
  readonly includesAudit: boolean | undefined
}

export interface FoundTruth {
  readonly truth: Truth
  /** What it lacks, has beyond the documentation, or says in another type than that: authentic, and so no damage. */
  readonly remarks: readonly string[]
}

const text = z.string().max(256)
const CLAIMS = {
  version: z.literal(1),
  created_at: z.iso.datetime({ offset: true }),
  backup_type: text,
  includes_db: z.boolean(),
  includes_kv: z.boolean(),
  includes_audit: z.boolean(),
  includes_audit_logs: z.boolean(),
}
/** Either says whether audit logs are in it. */
const AUDIT = ['includes_audit', 'includes_audit_logs'] as const
const REQUIRED = ['version', 'created_at', 'backup_type', 'includes_db', 'includes_kv'] as const
const WANTED: Readonly<Record<keyof typeof CLAIMS, string>> = {
  version: 'the number 1',
  created_at: 'a time as 2026-01-17T12:00:00Z',
  backup_type: 'a text of at most 256 characters',
  includes_db: 'true or false',
  includes_kv: 'true or false',
  includes_audit: 'true or false',
  includes_audit_logs: 'true or false',
}
const LONGEST_NAME = 64
const MOST_NAMES = 20

const readable = z.object({
  created_at: CLAIMS.created_at.optional().catch(undefined),
  backup_type: CLAIMS.backup_type.optional().catch(undefined),
  includes_db: CLAIMS.includes_db.optional().catch(undefined),
  includes_kv: CLAIMS.includes_kv.optional().catch(undefined),
  includes_audit: CLAIMS.includes_audit.optional().catch(undefined),
  includes_audit_logs: CLAIMS.includes_audit_logs.optional().catch(undefined),
})

/**
 * Reads the header of authentic content; undefined is one that is not there. Fails with `unsupported` for another version,
 * and with `corrupt` for what two readers could take differently.
 */
export function parseTruth(json: string | undefined, what: string): FoundTruth {
  const value = json === undefined ? {} : parseJson(json, what)
  refuseNewer(value, what)
  const members = z.record(z.string(), z.unknown()).safeParse(value)
  const found = readable.parse(members.data ?? {})
  const truth = {
    created: found.created_at,
    backupType: found.backup_type,
    includesDatabase: found.includes_db,
    includesSecrets: found.includes_kv,
    includesAudit: auditOf(found, what),
  }
  if (json === undefined) return { truth, remarks: ['there is no header inside of the encryption'] }
  if (!members.success) return { truth, remarks: ['the header inside of the encryption is no JSON object'] }
  return { truth, remarks: remarksOn(members.data) }
}

function remarksOn(members: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(members)
  const missing = [
    ...REQUIRED.filter((name) => !names.includes(name)),
    ...(AUDIT.some((name) => names.includes(name)) ? [] : [AUDIT[1]]),
  ]
  const unknown = names.filter((name) => !(name in CLAIMS))
  return [
    ...(missing.length === 0 ? [] : [`the header inside lacks ${missing.join(', ')}`]),
    ...[...REQUIRED, ...AUDIT].flatMap((name) => wrongType(name, members)),
    ...(unknown.length === 0 ? [] : [`the header inside has claims that are not documented: ${listed(unknown)}`]),
  ]
}

function wrongType(name: keyof typeof CLAIMS, members: Readonly<Record<string, unknown>>): string[] {
  if (!Object.hasOwn(members, name) || CLAIMS[name].safeParse(members[name]).success) return []
  return [`the header inside has ${name} that is not ${WANTED[name]}; it is left aside`]
}

function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  return `${names
    .slice(0, MOST_NAMES)
    .map((name) => JSON.stringify(name.slice(0, LONGEST_NAME)))
    .join(', ')}${more}`
}

/** Fails with `corrupt` for content that has nothing by which it could be known to be a backup, or lacks what it says. */
export function checkPresence(
  { includesDatabase, includesSecrets }: Truth,
  parts: { readonly header: string | undefined; readonly hasSql: boolean; readonly hasSecrets: boolean },
  what: string,
): void {
  if (parts.header === undefined && !parts.hasSql && !parts.hasSecrets)
    throw new Failure('corrupt', `${what} has no header, no database_sql and no vault_secrets`)
  if (includesDatabase === true && !parts.hasSql)
    throw new Failure('corrupt', `${what} says that it includes the database, and has no database_sql`)
  if (includesSecrets === true && !parts.hasSecrets)
    throw new Failure('corrupt', `${what} says that it includes secrets, and has no vault_secrets`)
}
