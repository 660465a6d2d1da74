import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { withSession } from '../../connection/connection.ts'
import { copyIn, tableOf, type Lane } from '../../capture/lanes.ts'
import { queryOne } from '../../connection/query.ts'
import { applySettings } from '../session-settings.ts'
import { loadRowsAgain } from './load-rows-again.ts'
import type { SecondPass } from './pass.ts'
import { searchPaths } from './search-paths.ts'
import { NOTHING_EXEMPT, type WayTaken } from './way.ts'

/** Lanes of one table of which no row is there. */
export interface RefusedLanes {
  readonly lanes: readonly Lane[]
  readonly reason: string
}

const OWNER = `select pg_catalog.pg_get_userbyid(relowner)::text as owner from pg_catalog.pg_class where oid = $1::regclass`

/** Loads lanes that the server refused, by the same other ways as rows of the dump. */
export async function loadLanesAgain(
  pass: SecondPass,
  refused: readonly RefusedLanes[],
  context: Context,
): Promise<readonly WayTaken[]> {
  if (refused.length === 0) return []
  const { server, database, settings = {} } = pass.place
  return withSession(server, database, context, async (session) => {
    // As lanes are always written.
    await applySettings(session, { ...settings, lc_monetary: 'C' })
    const paths = await searchPaths(session, pass.details)
    const taken: WayTaken[] = []
    for (const one of refused) taken.push(...(await loadOne(pass, session, one, paths, context)))
    return taken
  })
}

async function loadOne(
  { source, details, accept }: SecondPass,
  session: pg.Client,
  { lanes, reason }: RefusedLanes,
  paths: readonly string[],
  context: Context,
): Promise<readonly WayTaken[]> {
  const [first] = lanes
  if (first === undefined) return []
  const { owner } = await queryOne(session, z.object({ owner: z.string() }), OWNER, [tableOf(first)])
  const rows = {
    owner,
    each: async (copy: (statement: string, rows: AsyncIterable<Uint8Array>) => Promise<void>) => {
      for (const lane of lanes) await copy(copyIn(lane, details.encoding), source.read(lane.role))
    },
  }
  const outcome = await loadRowsAgain(session, rows, paths, context)
  const name = `TABLE DATA ${first.schema} ${first.table}`
  if ('refused' in outcome) {
    if (!accept.includes('without-rows')) throw cannotLoad(first, outcome.refused.message)
    const { relation } = await queryOne(session, z.object({ relation: z.string() }), RELATION, [
      first.schema,
      first.table,
    ])
    return [{ name, way: 'left-out', reason, exempt: { ...NOTHING_EXEMPT, relations: [relation] } }]
  }
  if (outcome.way === undefined) return []
  return [{ name, way: outcome.way, reason, exempt: { ...NOTHING_EXEMPT, objects: [...(outcome.objects ?? [])] } }]
}

const RELATION = `select pg_catalog.quote_ident($1) || '.' || pg_catalog.quote_ident($2) as relation`

function cannotLoad(lane: Lane, message: string): Failure {
  return new Failure('refused', `the rows of ${tableOf(lane)} cannot be loaded: ${message}`, {
    hint: 'Restore without them: add --accept without-rows. All else is restored, and what is left out is named.',
    facts: { accept: 'without-rows' },
  })
}
