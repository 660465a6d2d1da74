import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { readerOf } from '../capture/capture.ts'
import { withSession } from '../connection/connection.ts'
import type { DatabaseFacts } from '../capture/database-facts.ts'
import { DUMP_OPTIONS } from '../fingerprint/definitions.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { restoreStaged } from '../restore/restore-staged.ts'
import { acceptIdOf, type WayTaken } from '../restore/second-pass/way.ts'
import { readRoles } from '../roles/roles-capture.ts'
import { readPublicSchema } from '../capture/public-schema.ts'
import { query } from '../connection/query.ts'
import { readRestoreNeeds } from '../roles/roles-needs.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { limitsOf, streamTool } from '../tools/tool-run.ts'
import { chooseTools } from '../tools/tools.ts'
import type { Tools } from '../tools/tools.ts'
import { endOwnersMaking, withRehearsalDatabase } from './rehearsal-server.ts'
import { withOwnersSession } from './owners-session.ts'
import { tryExpressions } from './try-expressions.ts'
import { tryViews } from './try-views.ts'

const NOTHING = { tables: [], sequences: [], largeObjects: [], objects: [] }
const extension = z.object({ name: z.string(), version: z.string() })
const EXTENSIONS = 'select extname::text as name, extversion as version from pg_catalog.pg_extension'

/**
 * Loads the definitions of the session's database into a throw-away server as a restore would, evaluates there what a
 * restore evaluates row by row, and removes the server. Nothing of the database runs outside of that server.
 */
export async function rehearse(
  session: pg.ClientBase,
  settings: PostgresSettings,
  facts: DatabaseFacts,
  context: Context,
): Promise<Finding[]> {
  const tools = await chooseTools(facts.serverVersion, settings, context)
  const details = await definitionsOf(session, facts, tools)
  const quiet = { ...context, progress: () => {} }
  const found = await withRehearsalDatabase(
    settings,
    details,
    async (place) => {
      const ways = await restoreStaged(place, details, dumpOf(settings, tools, quiet), AS_OWNERS, quiet)
      return [...ways.map(findingOf), ...(await tryAll(place, quiet))]
    },
    quiet,
  )
  return found.map((one) => ({ ...one, subject: `database ${settings.database}: ${one.subject}` }))
}

/** Tablespaces are not there, and nobody provides security labels. */
const AS_OWNERS = ['--use-set-session-authorization', '--no-tablespaces', '--no-security-labels']

function tryAll(place: LoadTarget, context: Context): Promise<Finding[]> {
  return withSession(place.server, place.database, context, async (superuser) => {
    const expressions = await withOwnersSession(
      place,
      superuser,
      (owners) => tryExpressions(superuser, owners),
      context,
    )
    await endOwnersMaking(superuser)
    return [...expressions, ...(await tryViews(superuser))]
  })
}

/** What a load reads of a point's details, for one without rows. */
async function definitionsOf(session: pg.ClientBase, facts: DatabaseFacts, tools: Tools): Promise<PostgresDetails> {
  return {
    ...facts,
    dumpVersionText: tools.versionText,
    roles: await readRoles(session),
    needs: await readRestoreNeeds(session, facts.serverVersion),
    lanes: [],
    publicSchema: await readPublicSchema(session),
    fingerprint: { ...NOTHING, extensions: await query(session, extension, EXTENSIONS), definitionsBy: tools.major },
  }
}

function dumpOf(settings: PostgresSettings, tools: Tools, context: Context): ArtifactSource {
  const { database } = settings
  const server = readerOf(settings)
  const args = ['--schema-only', '--format=custom', '--compress=0', ...DUMP_OPTIONS]
  const read = (): AsyncIterable<Uint8Array> =>
    streamTool({ tools, program: 'pg_dump', args, server, database, limits: limitsOf(settings) }, context)
  return { roles: ['dump'], sizeOf: () => 0, read }
}

function findingOf({ name, way, reason }: WayTaken): Finding {
  if (way !== 'left-out' && way !== 'rows-kept')
    return { level: 'warning', subject: name, message: `a restore makes it in another way (${way}): ${reason}` }
  const id = acceptIdOf(kindOf(name))
  return {
    level: 'warning',
    subject: name,
    message: `PostgreSQL cannot make it again: ${reason}`,
    hint: `Change it, or restore without it: --accept ${id}. All else comes back.`,
  }
}

/** The words in capitals before the schema and the name. */
function kindOf(name: string): string {
  return /^(?:[A-Z]+ )+/.exec(name)?.[0].trim() ?? name
}
