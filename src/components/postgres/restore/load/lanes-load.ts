import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { z } from 'zod'
import { describe } from '../../../../core/failure.ts'
import { freeBytes } from '../../../../core/texts/free-bytes.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import { identifier, withSession } from '../../connection/connection.ts'
import { pipeToTool } from '../../tools/pipe-to-tool.ts'
import { copyIn, tableOf, targetOf, type Lane } from '../../capture/lanes.ts'
import type { LoadTarget } from './load.ts'
import { planBatches, type LaneBatch } from './lane-batches.ts'
import { query, queryOne } from '../../connection/query.ts'
import { refusalOf } from '../second-pass/attempt.ts'
import { applySettings } from '../session-settings.ts'
import { attempt } from '../target/database-target.ts'

interface LanesToLoad {
  readonly all: readonly Lane[]
  readonly encoding: string
  readonly frozen: boolean
  /** Told of each table, as `tableOf` names it, when all its rows are there and committed. */
  readonly onLoaded?: (table: string) => void
  /** Told of lanes of one table that the server refused, and of which no row is there. Without it that is an error. */
  readonly onRefused?: (lanes: readonly Lane[], reason: string) => void
  /** Tables that are loaded as their owners; a superuser can be them altogether. */
  readonly owners?: { readonly names: ReadonlyMap<string, string>; readonly superuser: boolean }
}

/**
 * Loads the rows of all lanes, several at once; each lane is one statement, so it is there whole or not at all. Their tables
 * must exist without indexes, constraints and triggers. Where nobody else sees them yet, a table that one session loads
 * is `frozen`: its rows need no second look later, neither by the indexes and checks that follow nor by a VACUUM of the
 * application's, which would write all of them again.
 */
export async function loadLanes(
  place: LoadTarget,
  lanes: LanesToLoad,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const missing = countByTable(lanes.all)
  const waiting = [...planBatches(lanes.all, (role) => source.sizeOf(role), place.jobs)]
  const work = async (inner: Context): Promise<void> => {
    // What a session was while it was refused something is not undone: the next lanes get another one.
    while (waiting.length > 0)
      await withSession(place.server, place.database, inner, async (session) => {
        // Lanes have always been written like this, whatever the dump has.
        await applySettings(session, { ...place.settings, lc_monetary: 'C' })
        for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
          const isLoaded = await tryBatch(session, batch, lanes, source, inner)
          // Indexes are made also of a table whose rows come later by another way.
          for (const table of missing.without(batch.lanes)) lanes.onLoaded?.(table)
          if (!isLoaded) return
        }
      })
  }
  await allOrNone(
    context,
    Array.from({ length: Math.min(place.jobs, waiting.length) }, () => work),
  )
}

/**
 * Counts down how many lanes each table still lacks. Rows of a partitioned table may come from any of the lanes that are
 * loaded into it, so its partitions are all there at once.
 */
function countByTable(lanes: readonly Lane[]) {
  const groups = Map.groupBy(lanes, targetOf)
  const missing = new Map([...groups].map(([table, some]) => [table, some.length]))
  const without = (loaded: readonly Lane[]): readonly string[] =>
    loaded.flatMap((lane) => {
      const left = (missing.get(targetOf(lane)) ?? 0) - 1
      missing.set(targetOf(lane), left)
      return left === 0 ? [...new Set((groups.get(targetOf(lane)) ?? []).map(tableOf))] : []
    })
  return { without }
}

/** False where the server refused some of it. */
async function tryBatch(
  session: pg.Client,
  batch: LaneBatch,
  lanes: LanesToLoad,
  source: ArtifactSource,
  context: Context,
): Promise<boolean> {
  const loaded = new Set<Lane>()
  try {
    await asOwner(session, batch, lanes, () => loadBatch(session, batch, { ...lanes, loaded }, source, context))
    return true
  } catch (error) {
    if (lanes.onRefused === undefined || refusalOf(error) === undefined) throw error
    lanes.onRefused(
      batch.lanes.filter((lane) => !loaded.has(lane)),
      describe(error),
    )
    return false
  }
}

/** A session that fails is closed, and is nobody's any more. */
async function asOwner(
  session: pg.Client,
  { lanes }: LaneBatch,
  { owners }: LanesToLoad,
  act: () => Promise<void>,
): Promise<void> {
  const [first] = lanes
  const owner = first === undefined ? undefined : owners?.names.get(targetOf(first))
  if (owner === undefined) return act()
  if (owners?.superuser === true) {
    await query(session, z.unknown(), `set session authorization ${identifier(owner)}`)
    await act()
    return void (await query(session, z.unknown(), 'reset session authorization'))
  }
  // RESET would give back what was set for whoever logs in.
  const { before } = await queryOne(session, z.object({ before: z.string() }), ROLE_NOW)
  await query(session, z.unknown(), `set role ${identifier(owner)}`)
  await act()
  await query(session, z.unknown(), `select set_config('role', $1, false)`, [before])
}

const ROLE_NOW = `select current_setting('role') as before`

async function loadBatch(
  session: pg.Client,
  { lanes, isWhole }: LaneBatch,
  { encoding, frozen, loaded }: LanesToLoad & { readonly loaded: Set<Lane> },
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const [first] = lanes
  if (first === undefined) return
  const table = tableOf(first)
  if (!isWhole || !frozen || first.into !== undefined || !(await mayEmpty(session, table))) {
    for (const lane of lanes) {
      await loadLane(session, copyIn(lane, encoding), lane, source, context)
      loaded.add(lane)
    }
    return
  }
  const run = (statement: string): Promise<unknown> => attempt(`load rows of ${table}`, () => session.query(statement))
  // Only what this transaction has made or emptied may be loaded frozen.
  await context.effects.run(`sql BEGIN ${first.role}`, () => run(`begin; truncate only ${table}`))
  for (const lane of lanes) await loadLane(session, copyIn(lane, encoding, 'freeze'), lane, source, context)
  await context.effects.run(`sql COMMIT ${first.role}`, () => run('commit'))
}

/** Some owners are denied it on purpose, so that a log cannot be emptied. */
async function mayEmpty(session: pg.Client, table: string): Promise<boolean> {
  const answer = await queryOne(session, z.object({ may: z.boolean() }), MAY_EMPTY, [table])
  return answer.may
}

const MAY_EMPTY = `select has_table_privilege($1, 'truncate') as may`

async function loadLane(
  session: pg.Client,
  statement: string,
  lane: Lane,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const copy = (input: Bytes): Promise<void> =>
    attempt(`load rows of ${tableOf(lane)}`, () =>
      pipeline(input, giveBack, session.query(copyFrom(statement)), { signal: context.signal }),
    )
  // An error of the artifact reaches the server as a failed COPY, which leaves no row behind, and is thrown as it is.
  await context.effects.run(`sql COPY ${lane.role}`, () => pipeToTool(source.read(lane.role), copy))
}

/** Larger than what a stream takes without asking its writer to wait until it is sent. */
const WAITED_FOR = 256 * 1024

/** When the next chunk is asked for, the one before is on its way and its memory can be used again. */
async function* giveBack(chunks: Bytes): Bytes {
  for await (const chunk of chunks) {
    yield chunk
    if (chunk.length >= WAITED_FOR) freeBytes(chunk)
  }
}
