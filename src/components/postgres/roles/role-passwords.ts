import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import type { ArtifactSink, ArtifactSource } from '../../transfer.ts'
import { identifier, literal } from '../connection/connection.ts'
import { parseRoleStatement } from '../plain-sql/role-statements.ts'
import { split } from '../plain-sql/lexer/split.ts'
import type { CapturedRole, PostgresDetails } from '../schema.ts'

/** The artifact with what the server keeps of passwords, as docs/reference/format.md has it. */
const PASSWORDS_ROLE = 'role-passwords'

/** What a server keeps of passwords, by the name of the role. */
export type RolePasswords = ReadonlyMap<string, Secret>

export async function writeRolePasswords(passwords: RolePasswords, sink: ArtifactSink): Promise<void> {
  await sink.write(PASSWORDS_ROLE, 'sql', statementsOf(passwords))
}

async function* statementsOf(passwords: RolePasswords): Bytes {
  for (const [name, password] of passwords) yield Buffer.from(`${passwordStatement(name, password)};\n`)
}

export function passwordStatement(name: string, password: Secret): string {
  return `alter role ${identifier(name)} password ${literal(password.reveal())}`
}

/**
 * The passwords of those of `created` that the point has some for. The artifact is read to its end and nothing of it is
 * run: it only tells names and verifiers.
 */
export async function readRolePasswords(
  created: readonly CapturedRole[],
  details: PostgresDetails,
  source: ArtifactSource,
): Promise<RolePasswords> {
  const wanted = new Set(withPasswords(created, details).map(({ name }) => name))
  const found = new Map<string, Secret>()
  if (wanted.size === 0) return found
  for await (const piece of split(source.read(PASSWORDS_ROLE))) {
    const parsed = piece.type === 'statement' ? parseRoleStatement(piece) : undefined
    if (parsed?.type !== 'role' || parsed.password === undefined)
      throw new Failure('corrupt', `artifact ${PASSWORDS_ROLE} holds something else than passwords of roles`)
    if (wanted.has(parsed.name)) found.set(parsed.name, parsed.password)
  }
  return found
}

export function withPasswords(
  roles: readonly CapturedRole[],
  { rolePasswords = [] }: PostgresDetails,
): readonly CapturedRole[] {
  return roles.filter(({ name }) => rolePasswords.includes(name))
}
