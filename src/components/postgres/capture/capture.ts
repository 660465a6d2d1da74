import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { allOrNone } from '../fingerprint/all-or-none.ts'
import { asChangedWhileRead } from './changed-while-read.ts'
import { checkRowsBeside, withRowFindings } from '../check/check-rows-beside.ts'
import { captureOneStream } from './capture-one-stream.ts'
import { withSession } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import { readDatabaseFacts } from './database-facts.ts'
import { DUMP_OPTIONS, readDefinitions } from '../fingerprint/definitions.ts'
import { readDepends } from '../fingerprint/depends.ts'
import { giveEvidence } from '../evidence.ts'
import { readCounts, readFingerprint, readSequences, sequencesBetween } from '../fingerprint/fingerprint.ts'
import { requireLeftOut, withOwnRows } from '../without-rows/left-out.ts'
import { asDetails, onPurpose } from '../without-rows/sentences.ts'
import { readIndexRuns } from './index-runs.ts'
import { readServerMoment } from '../read-server-moment.ts'
import { readPace, sessionsFor, type Pace } from '../connection/pace.ts'
import { LANE_LIMITS, planLanes, tableOf, withoutRows, type LaneLimits, type LaneSource } from './lanes.ts'
import { captureLanes, lockLanes } from './lanes-capture.ts'
import { readMovable, rootNames, viaRoot, withRoots, type Movable } from './movable-roots.ts'
import { readNotCaptured } from '../not-captured.ts'
import { requireOwnSession } from '../connection/own-session.ts'
import { query } from '../connection/query.ts'
import { readRoles } from '../roles/roles-capture.ts'
import { readPublicSchema } from './public-schema.ts'
import { readRestoreNeeds } from '../roles/roles-needs.ts'
import type { Fingerprint, PostgresDetails, PostgresSettings } from '../schema.ts'
import { withSnapshot } from '../connection/snapshot.ts'
import type { Snapshot } from '../connection/snapshot.ts'
import { limitsOf, streamTool } from '../tools/tool-run.ts'
import { readToolSettings } from '../tools/tool-settings.ts'
import type { ToolSettings } from '../tools/tool-settings.ts'
import { chooseTools } from '../tools/tools.ts'
import type { Tools } from '../tools/tools.ts'
import { describeVersion, majorOf, NEWEST_MAJOR, OLDEST_MAJOR } from '../versions.ts'

/** The dump has the custom format, uncompressed because the repository compresses. */
export const DUMP_ROLE = 'dump'
/** How often several sessions are tried at once. */
const SHARED_ATTEMPTS = 3
/** Otherwise the server reads a large table with several processes for one session. */
const ALONE = 'set local max_parallel_workers_per_gather = 0'

const NO_CONTENT =
  'A fingerprint of the content (fingerprint: drill): restores compare definitions, sequences and numbers of rows, and content only with what a drill restored.'

/** How the component's server is reached to read from it. */
export function readerOf(settings: PostgresSettings): Server {
  const { host, port, user, password, tls, tlsCa, through } = settings
  return { host, port, user, password, tls, tlsCa, through }
}

/**
 * Captures the whole database at one moment: the dump, its roles and properties, and a fingerprint of its content that
 * is read in the snapshot of the dump. Fails if any of them cannot be read whole or the snapshot is lost on the way.
 */
export async function capture(
  settings: PostgresSettings,
  sink: ArtifactSink,
  context: Context,
  laneLimits = LANE_LIMITS,
): Promise<Captured<PostgresDetails>> {
  try {
    return await captureOnce(settings, sink, context, laneLimits)
  } catch (error) {
    throw asChangedWhileRead(error)
  }
}

async function captureOnce(
  settings: PostgresSettings,
  sink: ArtifactSink,
  context: Context,
  laneLimits: LaneLimits,
): Promise<Captured<PostgresDetails>> {
  const server = readerOf(settings)
  const { database } = settings
  await requireOwnSession(server, database, context)
  const { serverVersion, pace, moment } = await withSession(server, database, context, async (session) => ({
    ...(await readDatabaseFacts(session)),
    // Before the snapshot, so that the next backup never sees less than this one.
    moment: await readServerMoment(session, context),
    pace: await readPace(settings, session, context),
  }))
  requireSupported(serverVersion)
  const tools = await chooseTools(serverVersion, settings, context)
  const reading = { settings, server, tools, toolSettings: await readToolSettings(server, database, context) }
  const alone = async (reason: string): Promise<Captured<PostgresDetails>> => {
    // Such a server may have no session to spare while the dump is read.
    const findings = await checkRowsBeside(server, settings, context)
    const artifact = { role: DUMP_ROLE, kind: 'pg-dump' } as const
    return withRowFindings(await captureOneStream({ ...reading, reason }, artifact, sink, context), findings)
  }
  // Where locks are asked for all the time, one session after the other still gets those that it needs.
  if ((sink.attempt ?? 1) > SHARED_ATTEMPTS) return alone('its definitions change all the time')
  const captured = await withSnapshot(
    { server, database, count: sessionsFor(pace.lanes), hold: true },
    context,
    async (snapshot) => {
      const [captured, findings] = await allOrNone(context, [
        (inner) => captureShared({ ...reading, snapshot, laneLimits, pace }, sink, inner),
        (inner) => checkRowsBeside(server, settings, inner),
      ])
      return withRowFindings(captured, findings)
    },
    alone,
  )
  return { ...captured, server: moment }
}

interface Reading {
  readonly settings: PostgresSettings
  readonly server: Server
  readonly tools: Tools
  readonly toolSettings: ToolSettings
  readonly snapshot: Snapshot
  readonly laneLimits: LaneLimits
  readonly pace: Pace
}

async function captureShared(
  reading: Reading,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<PostgresDetails>> {
  const { laneLimits, ...given } = reading
  const [session] = reading.snapshot.sessions
  const facts = await readDatabaseFacts(session)
  const roles = await readRoles(session)
  const needs = await readRestoreNeeds(session, facts.serverVersion)
  const notCaptured = await readNotCaptured(session, reading.tools.major)
  const before = await readSequences(session)
  const movable = await readMovable(session)
  const left = await requireLeftOut(session, reading.settings)
  const leftOut = withOwnRows(left)
  const lanes = withRoots(await planLanes(session, laneLimits, leftOut), movable)
  await lockLanes(session, lanes)
  const indexRuns = await readIndexRuns(session, lanes)
  const fingerprint = await dumpAndRead({ ...given, lanes, leftOut, movable, encoding: facts.encoding }, sink, context)
  const depends = await readDepends(session, fingerprint.objects)
  await giveEvidence(session, sink.evidence)
  const sequences = sequencesBetween(before, await readSequences(session))
  return {
    details: {
      ...facts,
      plainMoney: reading.toolSettings.plainMoney,
      dumpVersionText: reading.tools.versionText,
      roles,
      lanes: lanes.map(({ from: _from, to: _to, ...lane }) => lane),
      indexRuns,
      ...asDetails(left),
      needs,
      publicSchema: await readPublicSchema(session),
      fingerprint: { ...fingerprint, sequences, depends },
    },
    notCaptured: [...notCaptured, ...(fingerprint.counted === true ? [NO_CONTENT] : [])],
    onPurpose: onPurpose(left),
  }
}

interface Source extends Omit<Reading, 'laneLimits'> {
  readonly lanes: readonly LaneSource[]
  readonly leftOut: ReturnType<typeof withOwnRows>
  readonly movable: Movable
  readonly encoding: string
}

/** Dump, lanes, definitions and content at once, all of the same snapshot. */
async function dumpAndRead(source: Source, sink: ArtifactSink, context: Context): Promise<Fingerprint> {
  const { settings, server, tools, toolSettings, snapshot, lanes, encoding, pace } = source
  const limits = limitsOf(settings)
  const { database } = settings
  const args = dumpArgs(source)
  const rows = countRows(lanes)
  const lanesEnded = Promise.withResolvers<void>()
  context.progress({ type: 'phase', phase: 'dump', detail: database })
  const [, , definitions, content] = await allOrNone(context, [
    (inner) =>
      sink.write(
        DUMP_ROLE,
        'pg-dump',
        streamTool({ tools, program: 'pg_dump', args, server, database, limits, ...toolSettings }, inner),
      ),
    (inner) =>
      captureLanes(
        { sessions: snapshot.sessions.slice(1), lanes, encoding, limits, onRows: rows.add },
        sink,
        inner,
      ).finally(lanesEnded.resolve),
    (inner) => readDefinitions({ tools, server, database, limits, snapshot: snapshot.name }, inner),
    async (inner) => {
      inner.signal.addEventListener('abort', snapshot.abandon, { once: true })
      if (pace.inTurn) await lanesEnded.promise
      return contentOf(source, rows.counted, inner)
    },
  ])
  return { ...(await content()), objects: definitions }
}

/** What the fingerprint says of rows: their hashes, or how many there are. */
async function contentOf(
  { settings, snapshot, tools, movable, leftOut }: Source,
  counted: ReadonlyMap<string, bigint>,
  context: Context,
): Promise<() => Promise<Fingerprint>> {
  const [session] = snapshot.sessions
  const sessions = [session]
  await query(session, z.unknown(), ALONE)
  const like = { roots: rootNames(movable), leftOut }
  if (settings.fingerprint === 'drill') return readCounts(sessions, counted, tools.major, context, like)
  const read = await readFingerprint(sessions, [], tools.major, context, like)
  return () => Promise.resolve(read)
}

/** Adds up what the server says of each lane's rows, by table. */
function countRows(lanes: readonly LaneSource[]) {
  const counted = new Map(lanes.map((lane) => [tableOf(lane), 0n]))
  const add = (lane: LaneSource, rows: bigint): void =>
    void counted.set(tableOf(lane), (counted.get(tableOf(lane)) ?? 0n) + rows)
  return { counted, add }
}

function dumpArgs({ snapshot, lanes, leftOut, movable }: Source): string[] {
  const own = ['--format=custom', '--compress=0', `--snapshot=${snapshot.name}`]
  return [...own, ...DUMP_OPTIONS, ...viaRoot(movable), ...withoutRows([...lanes, ...leftOut])]
}

function requireSupported(version: number): void {
  const major = majorOf(version)
  if (major >= OLDEST_MAJOR && major <= NEWEST_MAJOR) return
  throw new Failure('unsupported', `PostgreSQL ${describeVersion(version)} is not supported`, {
    hint: `Supported are the majors ${OLDEST_MAJOR} to ${NEWEST_MAJOR}.`,
  })
}
