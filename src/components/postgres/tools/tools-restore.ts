import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { PostgresDetails } from '../schema.ts'
import { findTools } from './tools.ts'
import type { Tools } from './tools.ts'
import { closestVersion, describeVersion, majorOf, parseVersion } from '../versions.ts'

/**
 * From this major on pg_restore begins with a setting (`transaction_timeout`) that no older server knows, so that it
 * fails there at its first statement. pg_dump of the same majors reads older servers well, which makes a trap: backups
 * succeed, and cannot be restored to the server they are from.
 */
export const FIRST_WITH_NEW_SETTINGS = 17

/** What of a restore point decides which tools can restore it. */
export type WrittenDump = Pick<PostgresDetails, 'dumpVersionText' | 'serverVersion'>

function canRestoreTo(toolsMajor: number, serverMajor: number): boolean {
  return toolsMajor >= serverMajor && (toolsMajor < FIRST_WITH_NEW_SETTINGS || serverMajor >= FIRST_WITH_NEW_SETTINGS)
}

/** The major of pg_dump that wrote a dump; only pg_restore of that major or newer knows its format. */
function writerOf({ dumpVersionText, serverVersion }: WrittenDump): number {
  return majorOf(parseVersion(dumpVersionText) ?? serverVersion)
}

/** The oldest major of a server that the dump can be restored to. */
export function oldestServerFor(dump: WrittenDump): number {
  const captured = majorOf(dump.serverVersion)
  return writerOf(dump) >= FIRST_WITH_NEW_SETTINGS ? Math.max(captured, FIRST_WITH_NEW_SETTINGS) : captured
}

/**
 * The tools that restore a dump to a server: neither older than the server nor than the pg_dump that wrote the dump, and
 * such that the server takes what they send. Of those the smallest major. Fails with `unsupported`, naming what to do.
 */
export async function chooseRestoreTools(
  serverVersion: number,
  dump: WrittenDump,
  settings: { readonly toolsFolder?: string | undefined },
  context: Context,
): Promise<Tools> {
  return pickRestoreTools(await findTools(settings.toolsFolder, context), majorOf(serverVersion), dump)
}

/** The choice that `chooseRestoreTools` makes among what was found. */
export function pickRestoreTools(found: readonly Tools[], server: number, dump: WrittenDump): Tools {
  const writer = writerOf(dump)
  const oldest = Math.max(server, writer)
  if (!canRestoreTo(oldest, server)) throw cannotReach(server, writer)
  const chosen = closestVersion(
    found.filter(({ major }) => canRestoreTo(major, server)),
    oldest,
  )
  if (chosen !== undefined) return chosen
  const versions = found.map((one) => `${describeVersion(one.version)} in ${one.folder}`).join(', ')
  throw new Failure(
    found.length === 0 ? 'notFound' : 'unsupported',
    `no PostgreSQL client tools that can restore a dump of pg_dump ${writer} to a server of major ${server}; found: ${versions === '' ? 'none' : versions}`,
    {
      hint: `Install the client of PostgreSQL ${oldest} (Debian: apt-get install postgresql-client-${oldest}) or set toolsFolder.`,
    },
  )
}

function cannotReach(server: number, writer: number): Failure {
  return new Failure('unsupported', `a dump of pg_dump ${writer} cannot be restored to a server of major ${server}`, {
    hint: `Restore to a server of major ${FIRST_WITH_NEW_SETTINGS} or newer, and install the client of PostgreSQL ${server} (Debian: apt-get install postgresql-client-${server}) so that the next backup can be restored here.`,
  })
}

/** A warning when what these tools write cannot come back to the server it is from. */
export function returnFindings(tools: Tools, serverVersion: number): Finding[] {
  const server = majorOf(serverVersion)
  if (canRestoreTo(tools.major, server)) return []
  return [
    {
      level: 'warning',
      subject: `client tools ${describeVersion(tools.version)}`,
      message: `write dumps that cannot be restored to this server, whose major is ${server}, only to ${FIRST_WITH_NEW_SETTINGS} or newer`,
      hint: `Install the client of PostgreSQL ${server} (Debian: apt-get install postgresql-client-${server}).`,
    },
  ]
}
