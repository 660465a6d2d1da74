import type pg from 'pg'
import { describe, Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Difference, Finding } from '../../../../core/restore-point.ts'
import type { EvidenceQuery, EvidenceRow } from '../../../evidence.ts'
import type { ClientWatch, RestoreTarget, TargetState } from '../../../target.ts'
import type { ArtifactSizes, ArtifactSource } from '../../../transfer.ts'
import { runAppChecks } from '../../check/app-checks.ts'
import { applyLabels, applyProperties, capturedProperties, readProperties } from './carry-over.ts'
import { watchDatabase } from './client-watch.ts'
import { withSession } from '../../connection/connection.ts'
import { placeOf } from '../../place-of.ts'
import { readRows } from '../../evidence.ts'
import { backendPid, closeDatabase, endSessions, openDatabase, requireNoPreparedTransactions } from './fence.ts'
import type { LoadTarget } from '../load/load.ts'
import { isLocal, neededBytes } from '../preflight/preflight-disk.ts'
import { preflightSwap } from '../preflight/preflight.ts'
import { copyCarried } from '../carried/copy-carried.ts'
import { tablesToCarry } from '../carried/tables-to-carry.ts'
import { emptyRemarks } from '../carried/empty-remarks.ts'
import { analyze } from '../load/analyze.ts'
import { referenceOf } from '../../reference/reference.ts'
import { restoreStaged } from '../restore-staged.ts'
import { bringBackExtensions } from '../second-pass/bring-back-extensions.ts'
import { expectedAfter } from '../second-pass/entries/expected-after.ts'
import { sentenceOf, type WayTaken } from '../second-pass/way.ts'
import { jobsOf } from '../session-settings.ts'
import { stageFindings } from '../load/staged-dump.ts'
import { ensureRoles } from '../../roles/roles-restore.ts'
import type { PostgresDetails } from '../../schema.ts'
import { createSide, dropBeside, markSide, readWays } from './side-database.ts'
import { unprovenRows } from '../../without-rows/sentences.ts'
import { requireSwappable, swapIn } from './swap.ts'
import { compareLoaded, compareProperties, readLoadedContent } from '../target/target-compare.ts'
import { openSession, readServer, withAdmin } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { readWorld, stateOf } from '../target/restore-databases.ts'
import type { DatabaseRow } from '../target/restore-databases.ts'
import { limitsOf } from '../../tools/tool-run.ts'
import { chooseRestoreTools } from '../../tools/tools-restore.ts'
import { forgetRetained, undoSwap } from './undo.ts'

/** A session and the server's process behind it. */
interface LiveSession {
  readonly client: pg.Client
  readonly pid: number
}

/** Time for removing what a failed or cancelled load left, under a signal of its own. */
const CLEANUP_LIMIT = 60_000

/**
 * A restore beside the live database, on its own server. The states of `TargetState` and what changes them:
 *
 *     untouched -- load --> beside -- fence --> fenced -- swap --> swapped -- undo --> untouched
 *
 * `discard` goes back from beside, `reopen` from fenced to beside. State is in the databases' names, their marks and
 * whether they accept connections; the one thing held here is a session for preserved tables, which can be had again.
 */
export class SwapTarget implements RestoreTarget<PostgresDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #place: DatabaseTarget
  /** A session on the live database from before it was fenced. */
  #live: LiveSession | undefined
  #ways: readonly WayTaken[] = []
  /** What the point says, for the fence that comes before the swap. */
  #details: PostgresDetails | undefined
  /** What became of tables without rows: nothing yet, or their live rows were carried over. */
  #carried: readonly string[] = []

  constructor(place: DatabaseTarget) {
    this.#place = place
    this.description = `database ${place.names.live} on ${placeOf(place.server)}`
    this.confirmation = place.names.live
  }

  state(context: Context): Promise<TargetState> {
    return withAdmin(this.#place, context, async (admin) =>
      stateOf(await readWorld(admin, this.#place.names), this.#place.restoreId),
    )
  }

  async preflight(details: PostgresDetails, context: Context, artifacts?: ArtifactSizes): Promise<readonly Finding[]> {
    const besides = isLocal(this.#place.server) ? neededBytes(details) : 0n
    return [...(await preflightSwap(this.#place, details, context)), ...(await stageFindings(artifacts, besides))]
  }

  /** Rows; the dump is code, and its whole content must be known before. */
  authenticatedByLoad({ lanes }: PostgresDetails): readonly string[] {
    return lanes.map(({ role }) => role)
  }

  async load(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
    if ((await this.state(context)) === 'swapped')
      throw new Failure('refused', `restore ${this.#place.restoreId} is live already`)
    this.#details = details
    const side = await this.#side(details, context)
    try {
      await withAdmin(this.#place, context, async (admin) => {
        await ensureRoles(admin, details, source, context, this.#place.settings)
        await createSide(admin, this.#place, details, context)
        await applyLabels(admin, this.#place.names.side, await this.#properties(admin, details), context)
      })
      const ways = await restoreStaged(side, details, source, [], context)
      await analyze(side, context)
      await withAdmin(this.#place, context, (admin) => this.#finishLoad(admin, details, ways, context))
    } catch (error) {
      await this.#cleanUp(context)
      throw error
    }
  }

  /** The mark comes last: it says that everything before it is done. */
  async #finishLoad(
    admin: pg.Client,
    details: PostgresDetails,
    ways: readonly WayTaken[],
    context: Context,
  ): Promise<void> {
    // Done again at the swap, when the live database may have changed; what the role may not do shows here already.
    await applyProperties(admin, this.#place.names.side, await this.#properties(admin, details), context)
    await markSide(admin, this.#place, { ways }, context)
  }

  async #properties(admin: pg.Client, details: PostgresDetails): ReturnType<typeof readProperties> {
    const { live } = await readWorld(admin, this.#place.names)
    return live === undefined ? capturedProperties(admin, details) : readProperties(admin, live.name)
  }

  async #cleanUp(context: Context): Promise<void> {
    const own = { ...context, signal: AbortSignal.timeout(CLEANUP_LIMIT) }
    try {
      await this.discard(own)
    } catch (error) {
      context.progress({
        type: 'warning',
        message: `database ${this.#place.names.side} could not be dropped: ${describe(error)}`,
      })
    }
  }

  async compare(details: PostgresDetails, context: Context, source?: ArtifactSource): Promise<readonly Difference[]> {
    this.#details = details
    this.#carried = unprovenRows(details)
    const loaded = await this.#side(details, context)
    const reference = referenceOf({ place: this.#place, loaded, details, source, args: [] })
    const { version } = await readServer(this.#place, context)
    this.#ways = await withAdmin(this.#place, context, (admin) => readWays(admin, this.#place))
    const expected = { ...details, fingerprint: expectedAfter(details.fingerprint, this.#ways) }
    const differences = await compareLoaded(loaded, version, expected, context, reference)
    return [...differences, ...(await this.#compareProperties(details, context))]
  }

  /** Those of a live database are read again at the swap, and may change until then. */
  #compareProperties(details: PostgresDetails, context: Context): Promise<Difference[]> {
    const { names } = this.#place
    return withAdmin(this.#place, context, async (admin) => {
      if ((await readWorld(admin, names)).live !== undefined) return []
      return compareProperties(await capturedProperties(admin, details), await readProperties(admin, names.side))
    })
  }

  async content(details: PostgresDetails, context: Context): Promise<string | undefined> {
    return readLoadedContent(await this.#side(details, context), details, context)
  }

  rows(query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow> {
    return readRows({ server: this.#place.server, database: this.#place.names.side }, query, context)
  }

  runChecks(context: Context): Promise<readonly Difference[]> {
    const { settings, server, names } = this.#place
    if (settings.checks.length === 0) return Promise.resolve([])
    return withSession(server, names.side, context, (client) =>
      runAppChecks(client, settings.checks, limitsOf(settings).idleLimit),
    )
  }

  remarks(): readonly string[] {
    return [...this.#ways.map(sentenceOf), ...this.#carried]
  }

  watch(context: Context): Promise<ClientWatch | undefined> {
    return watchDatabase(this.#place.server, this.#place.names.live, context)
  }

  async fence(context: Context): Promise<void> {
    const { live } = this.#place.names
    await withAdmin(this.#place, context, async (admin) => {
      const row = (await readWorld(admin, this.#place.names)).live
      if (row === undefined) return
      await requireNoPreparedTransactions(admin, live)
      await this.#keepLiveSession(row, context)
      // Closed first: sessions that were ended while it is open would come back at once.
      await closeDatabase(admin, 'live', live, context)
      await endSessions(admin, live, this.#live === undefined ? [] : [this.#live.pid], context)
      // A session may have prepared one just before it was ended. It would keep the database from being renamed.
      await requireNoPreparedTransactions(admin, live)
    })
  }

  async swap(details: PostgresDetails, context: Context): Promise<void> {
    await withAdmin(this.#place, context, async (admin) => {
      const world = await readWorld(admin, this.#place.names)
      if (stateOf(world, this.#place.restoreId) === 'swapped') return
      requireSwappable(world, this.#place)
      this.#carried = world.live === undefined ? emptyRemarks(details) : await this.#carry(admin, details, context)
      await swapIn(admin, this.#place, details, context)
    })
  }

  async #carry(admin: pg.Client, details: PostgresDetails, context: Context): Promise<readonly string[]> {
    const { settings, names, accept } = this.#place
    const withoutRows = tablesToCarry(this.#place, details)
    if (settings.preserve.length + withoutRows.length === 0) {
      await this.#endLiveSession()
      return emptyRemarks(details)
    }
    if (this.#live === undefined) {
      this.#details = details
      await this.#reopenFence(admin, context)
    }
    // An earlier swap that died may have closed the side database already.
    await openDatabase(admin, 'side', names.side, context)
    const live = this.#live
    if (live === undefined) throw new Failure('unreachable', `the session on database ${names.live} was lost`)
    const side = await openSession(this.#place, names.side, context)
    try {
      const limit = limitsOf(settings).totalLimit
      const order = { preserve: settings.preserve, withoutRows, leaveOut: accept.includes('without-rows'), limit }
      return await copyCarried({ live: live.client, side }, order, context)
    } finally {
      await side.end().catch(() => {})
      await this.#endLiveSession()
    }
  }

  /**
   * A run that fenced and died took its session on the live database with it. The live database is still the old one,
   * so opening it for the moment that a session needs, and fencing again, loses nothing: what is written meanwhile is
   * in the previous database and, in preserved tables, in the copy that is made afterwards.
   */
  async #reopenFence(admin: pg.Client, context: Context): Promise<void> {
    await openDatabase(admin, 'live', this.#place.names.live, context)
    await this.fence(context)
  }

  /** The session through which preserved tables are read. It must be there before the database is closed. */
  async #keepLiveSession({ open }: DatabaseRow, context: Context): Promise<void> {
    const carries = this.#place.settings.preserve.length + tablesToCarry(this.#place, this.#details ?? {}).length > 0
    if (!carries || this.#live !== undefined || !open) return
    const client = await openSession(this.#place, this.#place.names.live, context)
    const session = { client, pid: await backendPid(client) }
    client.once('end', () => {
      if (this.#live === session) this.#live = undefined
    })
    this.#live = session
  }

  async #endLiveSession(): Promise<void> {
    await this.#live?.client.end().catch(() => {})
    this.#live = undefined
  }

  async reopen(context: Context): Promise<void> {
    await this.#endLiveSession()
    await withAdmin(this.#place, context, async (admin) => {
      const { live } = await readWorld(admin, this.#place.names)
      if (live?.open === false) await openDatabase(admin, 'live', live.name, context)
      if (stateOf(await readWorld(admin, this.#place.names), this.#place.restoreId) === 'swapped')
        await this.#bringBackExtensions(context)
    })
  }

  /** Only the live name has what some extensions ask for. Whoever restores can do this by hand, too, so it ends nothing. */
  async #bringBackExtensions(context: Context): Promise<void> {
    if (this.#ways.length === 0) return
    await withSession(this.#place.server, this.#place.names.live, context, (session) =>
      bringBackExtensions(session, this.#ways, context),
    )
  }

  discard(context: Context): Promise<void> {
    return withAdmin(this.#place, context, async (admin) => {
      await dropBeside(admin, this.#place, 'reference', context)
      await dropBeside(admin, this.#place, 'side', context)
    })
  }

  undo(context: Context): Promise<void> {
    return withAdmin(this.#place, context, (admin) => undoSwap(admin, this.#place, context))
  }

  forget(context: Context): Promise<void> {
    return withAdmin(this.#place, context, (admin) => forgetRetained(admin, this.#place, context))
  }

  async #side(details: PostgresDetails, context: Context): Promise<LoadTarget> {
    const { settings, server, names } = this.#place
    const { version } = await readServer(this.#place, context)
    return {
      server,
      database: names.side,
      tools: await chooseRestoreTools(version, details, settings, context),
      limits: limitsOf(settings),
      jobs: jobsOf(settings),
      accept: this.#place.accept,
    }
  }
}
