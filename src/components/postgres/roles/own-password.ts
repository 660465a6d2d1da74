import { parseDatabaseUrl } from '../../../core/texts/database-url.ts'
import { readVariable } from '../../../system/environment-file.ts'
import type { RolePasswords } from './role-passwords.ts'
import type { PostgresSettings } from '../schema.ts'
import { scramVerifier } from './scram-verifier.ts'

/** The role as which the app itself logs in, where its environment file says so, with what a server keeps of its password. */
export function ownPassword({ from }: Pick<PostgresSettings, 'from'>): RolePasswords {
  const url = from === undefined ? undefined : parseDatabaseUrl(readVariable(from.file, from.name))
  if (url?.user === undefined || url.password === undefined) return new Map()
  return new Map([[url.user, scramVerifier(url.password)]])
}
