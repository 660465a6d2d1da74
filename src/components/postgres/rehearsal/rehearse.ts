import type pg from 'pg'
import { z } from 'zod'
import { acceptIds } from '../../../core/accept-ids.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { withTemporaryFolder } from '../../../system/temporary-folder.ts'
import type { ArtifactSource } from '../../driver.ts'
import { withSession } from '../connection.ts'
import type { DatabaseFacts } from '../database-facts.ts'
import { DUMP_OPTIONS } from '../definitions.ts'
import { restoreNames } from '../names.ts'
import { acceptIdOf, type WayTaken } from '../restore/second-pass/way.ts'
import { readRoles } from '../roles-capture.ts'
import { readPublicSchema } from '../public-schema.ts'
import { query } from '../query.ts'
import { readRestoreNeeds } from '../roles-needs.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { ScratchTarget } from '../scratch.ts'
import { restoreServer } from '../target-place.ts'
import { limitsOf, streamTool } from '../tool-run.ts'
import { chooseTools } from '../tools.ts'
import type { Tools } from '../tools.ts'
import { withOwnersSession } from './owners-session.ts'
import { tryExpressions } from './try-expressions.ts'
import { tryViews } from './try-views.ts'

const REHEARSAL_ID = '00000000'
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
  return withTemporaryFolder(async (folder) => {
    const names = restoreNames(settings.database, REHEARSAL_ID)
    const place = { settings, server: restoreServer(settings), names, restoreId: REHEARSAL_ID, accept: acceptIds }
    const target = new ScratchTarget(place, folder)
    try {
      const ways = await target.loadWays(details, dumpOf(settings, tools, quiet), quiet)
      const loaded = await target.loadPlace(details, quiet)
      const tried = await withSession(loaded.server, loaded.database, quiet, async (superuser) => [
        ...(await withOwnersSession(loaded, superuser, (owners) => tryExpressions(superuser, owners), quiet)),
        ...(await tryViews(superuser)),
      ])
      return [...ways.map(findingOf), ...tried].map((one) => ({
        ...one,
        subject: `database ${settings.database}: ${one.subject}`,
      }))
    } finally {
      await target.discard({ ...quiet, signal: new AbortController().signal })
    }
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
  const { host, port, user, password, tls, tlsCa, database } = settings
  const server = { host, port, user, password, tls, tlsCa }
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
