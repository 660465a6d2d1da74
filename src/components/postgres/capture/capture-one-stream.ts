import type pg from 'pg'
import type { Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { listed } from '../check/check-catalog.ts'
import type { Server } from '../connection/connection.ts'
import { readDatabaseFacts } from './database-facts.ts'
import { DUMP_OPTIONS, readDefinitions } from '../fingerprint/definitions.ts'
import { readDepends } from '../fingerprint/depends.ts'
import { readFingerprint } from '../fingerprint/fingerprint.ts'
import { fingerprintBetween, movedNames } from '../fingerprint/fingerprint-span.ts'
import { requireLeftOut, withOwnRows } from '../without-rows/left-out.ts'
import { asDetails, onPurpose } from '../without-rows/sentences.ts'
import { withoutRows } from './lanes.ts'
import { readIndexRuns } from './index-runs.ts'
import { readMovable, rootNames, viaRoot } from './movable-roots.ts'
import { readNotCaptured } from '../not-captured.ts'
import { readRoles } from '../roles/roles-capture.ts'
import { readPublicSchema } from './public-schema.ts'
import { readRestoreNeeds } from '../roles/roles-needs.ts'
import type { Fingerprint, PostgresDetails, PostgresSettings } from '../schema.ts'
import { beginReading } from '../connection/snapshot.ts'
import { limitsOf, streamTool } from '../tools/tool-run.ts'
import type { ToolSettings } from '../tools/tool-settings.ts'
import type { Tools } from '../tools/tools.ts'

export interface OneStream {
  readonly settings: PostgresSettings
  readonly server: Server
  readonly tools: Tools
  readonly toolSettings: ToolSettings
  /** Why the server gives its snapshot to nobody else. */
  readonly reason: string
}

/** For `ArtifactSink.write`: role and kind of the dump. */
export interface DumpArtifact {
  readonly role: string
  readonly kind: 'pg-dump'
}

/**
 * The capture of a server whose snapshot cannot be given to others: all of it goes through one pg_dump, with one session
 * at a time. pg_dump's moment is between two readings of the fingerprint; what they differ in cannot be compared with a
 * restore later, and is named.
 */
export async function captureOneStream(
  source: OneStream,
  artifact: DumpArtifact,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<PostgresDetails>> {
  context.progress({ type: 'warning', message: sentenceOf(source) })
  const before = await readAll(source, context)
  context.progress({ type: 'phase', phase: 'dump', detail: source.settings.database })
  await sink.write(artifact.role, artifact.kind, dump(source, before, context))
  const fingerprint = fingerprintBetween(
    before.fingerprint,
    await readContent(source, rootNames(before.movable), context),
  )
  const moved = movedNames(fingerprint)
  const { facts, roles, needs, indexRuns, publicSchema } = before
  const notCompared = `It changed while the dump was read, and a restore cannot compare it: ${listed(moved)}.`
  const { tools, toolSettings } = source
  const dumped = { dumpVersionText: tools.versionText, plainMoney: toolSettings.plainMoney }
  return {
    details: {
      ...facts,
      ...dumped,
      roles,
      lanes: [],
      indexRuns,
      ...asDetails(before.left),
      needs,
      publicSchema,
      fingerprint: { ...fingerprint, depends: before.fingerprint.depends },
    },
    notCaptured: [...before.notCaptured, ...(moved.length === 0 ? [] : [notCompared])],
    onPurpose: onPurpose(before.left),
  }
}

function sentenceOf({ settings, reason }: OneStream): string {
  return `database ${settings.database} is read in one stream, not by several sessions at the same moment: ${reason}`
}

function dump(
  source: OneStream,
  { movable, left }: Pick<Awaited<ReturnType<typeof readAll>>, 'movable' | 'left'>,
  context: Context,
): ReturnType<typeof streamTool> {
  const { settings, server, tools, toolSettings } = source
  const args = [
    '--format=custom',
    '--compress=0',
    ...DUMP_OPTIONS,
    ...viaRoot(movable),
    ...withoutRows(withOwnRows(left)),
  ]
  const { database } = settings
  const call = { tools, program: 'pg_dump', args, server, database, limits: limitsOf(settings) } as const
  return streamTool({ ...call, ...toolSettings }, context)
}

async function readAll(source: OneStream, context: Context) {
  const read = await withReader(source, context, async (session) => {
    const facts = await readDatabaseFacts(session)
    const movable = await readMovable(session)
    const left = await requireLeftOut(session, source.settings)
    const like = { roots: rootNames(movable), leftOut: withOwnRows(left) }
    return {
      facts,
      movable,
      left,
      roles: await readRoles(session),
      needs: await readRestoreNeeds(session, facts.serverVersion),
      indexRuns: await readIndexRuns(session, []),
      notCaptured: await readNotCaptured(session, source.tools.major),
      content: await readFingerprint([session], [], source.tools.major, context, like),
      publicSchema: await readPublicSchema(session),
    }
  })
  const { content, ...rest } = read
  const objects = await definitionsOf(source, context)
  const depends = await withReader(source, context, (session) => readDepends(session, objects))
  return { ...rest, fingerprint: { ...content, objects, depends } }
}

/** After the dump: definitions first, as they were read last before it. */
async function readContent(source: OneStream, roots: readonly string[], context: Context): Promise<Fingerprint> {
  const objects = await definitionsOf(source, context)
  const content = await withReader(source, context, async (session) => {
    const leftOut = withOwnRows(await requireLeftOut(session, source.settings))
    return readFingerprint([session], [], source.tools.major, context, { roots, leftOut })
  })
  return { ...content, objects }
}

function definitionsOf({ settings, server, tools }: OneStream, context: Context): ReturnType<typeof readDefinitions> {
  return readDefinitions({ tools, server, database: settings.database, limits: limitsOf(settings) }, context)
}

async function withReader<Result>(
  { server, settings }: OneStream,
  context: Context,
  act: (session: pg.Client) => Promise<Result>,
): Promise<Result> {
  const session = await beginReading(server, settings.database, context)
  try {
    return await act(session)
  } finally {
    await session.end().catch(() => {})
  }
}
