import type pg from 'pg'
import { z } from 'zod'
import { Failure, isFailure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Difference, Finding } from '../../../../core/restore-point.ts'
import type { EvidenceQuery, EvidenceRow } from '../../../evidence.ts'
import type { RestoreTarget, TargetState } from '../../../target.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import { runAppChecks } from '../../check/app-checks.ts'
import { asciiIdentifier, asciiLiteral } from './ascii.ts'
import { overLive } from './over-live.ts'
import { identifier, withSession } from '../../connection/connection.ts'
import { placeOf } from '../../place-of.ts'
import { readRows } from '../../evidence.ts'
import { clientsOf, closeDatabase, endClients, requireNoPreparedTransactions } from '../staged/fence.ts'
import { requireNoLoss } from '../carried/in-place-rows.ts'
import { emptyRemarks } from '../carried/empty-remarks.ts'
import { readWhole, restoreOver } from '../load/load.ts'
import type { LoadTarget } from '../load/load.ts'
import { formatMarker } from '../staged/marker.ts'
import type { MarkerBody } from '../staged/marker.ts'
import { roomInPlace } from '../preflight/preflight-disk.ts'
import { preflightInPlace } from '../preflight/preflight.ts'
import { query } from '../../connection/query.ts'
import { referenceOf } from '../../reference/reference.ts'
import { analyze } from '../load/analyze.ts'
import { expectedAfter } from '../second-pass/entries/expected-after.ts'
import { sentenceOf, type WayTaken } from '../second-pass/way.ts'
import { ensureRoles, readRights } from '../../roles/roles-restore.ts'
import type { PostgresDetails } from '../../schema.ts'
import { commentStatement, dropBeside } from '../staged/side-database.ts'
import { compareLoaded, readLoadedContent } from '../target/target-compare.ts'
import { change, readServer, withAdmin } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'
import { readWorld } from '../target/restore-databases.ts'
import { limitsOf } from '../../tools/tool-run.ts'
import { chooseRestoreTools } from '../../tools/tools-restore.ts'

type InPlaceMarker = Extract<MarkerBody, { role: 'in-place' }>

/** How long a client that keeps taking the only connection may prevent the load. */
const GATE_LIMIT = 30_000
/** Connections for our own role while others are locked out: one for pg_restore; for comparing two, and one for pg_dump. */
const LOAD_CONNECTIONS = 1
/** Sessions that load lanes at once: the fewer, the smaller the gate for others. */
const LOAD_JOBS = 2
const COMPARE_CONNECTIONS = 3
/** What the live database, or a role in it, may have set and a load cannot be under. */
const LOAD_SETTINGS = { default_transaction_read_only: 'off' }

/**
 * A restore over the live database, for servers without room or rights for a second one. It is one transaction of
 * pg_restore: the live data is the old or the restored. There is no undo, preserved tables and live rows that no
 * point has are refused, and objects that were made after the capture stay (the comparison names them).
 *
 * While it runs the database's mark holds its connection limit, and the limit locks others out. That does not stop
 * superusers, and a client of another role may take the connection we need; so stop the application first.
 */
export class InPlaceTarget implements RestoreTarget<PostgresDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #place: DatabaseTarget
  #ways: readonly WayTaken[] = []
  #empty: readonly string[] = []

  constructor(place: DatabaseTarget) {
    this.#place = place
    this.description = `database ${place.names.live} on ${placeOf(place.server)}, overwritten without undo`
    this.confirmation = place.names.live
  }

  state(context: Context): Promise<TargetState> {
    return withAdmin(this.#place, context, async (admin) => {
      const { live } = await readWorld(admin, this.#place.names)
      const marker = await this.#marker(admin)
      if (marker !== undefined) return marker.loaded ? 'swapped' : 'fenced'
      return live?.open === false ? 'fenced' : 'untouched'
    })
  }

  preflight(details: PostgresDetails, context: Context): Promise<readonly Finding[]> {
    return preflightInPlace(this.#place, details, context)
  }

  async fence(context: Context): Promise<void> {
    const { live } = this.#place.names
    await withAdmin(this.#place, context, async (admin) => {
      await requireNoPreparedTransactions(admin, live)
      // The mark first: it keeps the connection limit, which the next steps change.
      if ((await this.#marker(admin)) === undefined)
        await this.#mark(admin, await this.#freshMarker(admin, context), context)
      await closeDatabase(admin, 'live', live, context)
      await endClients(admin, live, context)
    })
  }

  async #freshMarker(admin: pg.Client, { clock }: Context): Promise<InPlaceMarker> {
    const { live } = await readWorld(admin, this.#place.names)
    if (live === undefined)
      throw new Failure('refused', `database ${this.#place.names.live} is not there to be restored over`, {
        hint: 'Restore with swap, which makes it.',
      })
    return {
      role: 'in-place',
      database: live.name,
      at: clock.now().toISOString(),
      loaded: false,
      touched: false,
      comment: live.comment,
      connectionLimit: live.connectionLimit,
    }
  }

  async #marker(admin: pg.Client): Promise<InPlaceMarker | undefined> {
    const { live } = await readWorld(admin, this.#place.names)
    if (live?.marker?.role !== 'in-place' || live.marker.restoreId !== this.#place.restoreId) return undefined
    const { restoreId: _, ...body } = live.marker
    return body
  }

  #mark(admin: pg.Client, body: InPlaceMarker, context: Context): Promise<void> {
    return change(
      admin,
      'COMMENT ON DATABASE live',
      commentStatement(this.#place.names.live, formatMarker(this.#place.restoreId, body)),
      context,
    )
  }

  async load(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
    if (this.#place.settings.preserve.length > 0)
      throw new Failure('refused', 'tables cannot be preserved in a restore over the live database', {
        hint: 'Restore with swap.',
      })
    // The transaction commits before the end of the artifact is checked, so all of it is checked before.
    await readWhole(source)
    await withAdmin(this.#place, context, async (admin) => {
      const marker = await this.#marker(admin)
      if (marker === undefined) throw new Failure('refused', `database ${this.#place.names.live} is not fenced`)
      await ensureRoles(admin, details, source, context, this.#place.settings)
      const lanes = details.lanes.length === 0 ? 0 : LOAD_JOBS
      await this.#limitConnections(admin, LOAD_CONNECTIONS + lanes, context)
      await requireNoLoss(this.#place, details, context)
      const ways = await this.#overwrite(admin, { details, source, marker: { ...marker, touched: true } }, context)
      for (const way of ways) context.progress({ type: 'warning', message: sentenceOf(way) })
      await this.#limitConnections(admin, COMPARE_CONNECTIONS, context)
      await this.#mark(
        admin,
        { ...marker, touched: true, loaded: true, ...(ways.length === 0 ? {} : { ways: [...ways] }) },
        context,
      )
    })
    await analyze(await this.#loadPlace(details, context), context)
  }

  /** A superuser needs no connection of the limit, and then nobody else gets one. */
  async #limitConnections(admin: pg.Client, connections: number, context: Context): Promise<void> {
    const limit = (await readRights(admin)).superuser ? 0 : connections
    await change(
      admin,
      'ALTER DATABASE live CONNECTION LIMIT',
      `alter database ${identifier(this.#place.names.live)} with allow_connections true connection limit ${limit}`,
      context,
    )
  }

  /**
   * Made again while somebody else is in the way. As one transaction, an attempt that fails changes nothing. With lanes, or
   * without room for old and new at once, it cannot be one: what a failed attempt leaves is dropped by the next, and if there is none, the
   * safety point has to repair it. The mark that says which of the two it is changes with the first thing that does.
   */
  async #overwrite(admin: pg.Client, over: Overwriting, context: Context): Promise<readonly WayTaken[]> {
    const { details, source, marker } = over
    const place = await this.#loadPlace(details, context)
    const { accept } = this.#place
    const inSteps = (await roomInPlace(admin, this.#place, details)).dropsFirst || accept.includes('in-steps')
    const how = { args: ['--single-transaction', '--clean', '--if-exists'], inSteps }
    const deadline = context.clock.monotonic() + GATE_LIMIT
    for (;;) {
      for (const { pid } of await clientsOf(admin, place.database))
        await change(admin, 'pg_terminate_backend', `select pg_terminate_backend(${pid})`, context)
      try {
        if (inSteps) await this.#mark(admin, marker, context)
        const prepared = await withSession(place.server, place.database, context, async (live) => {
          if (inSteps) await dropForeignKeys(live, context)
          return overLive(source, live, [this.#touches(marker)], inSteps)
        })
        return await restoreOver(place, details, prepared, how, context)
      } catch (error) {
        const others = await clientsOf(admin, place.database)
        if (others.length === 0 || context.clock.monotonic() > deadline)
          throw accept.includes('in-steps') ? error : withWayOn(error)
      }
    }
  }

  remarks(): readonly string[] {
    return [...this.#ways.map(sentenceOf), ...this.#empty]
  }

  /** In the transaction that overwrites, so that the mark says so exactly when that was committed. */
  #touches(marker: InPlaceMarker): string {
    const { names, restoreId } = this.#place
    return `comment on database ${asciiIdentifier(names.live)} is ${asciiLiteral(formatMarker(restoreId, marker))}`
  }

  /** Of a mark from before it said so, nobody knows. */
  isAsBefore(context: Context): Promise<boolean> {
    return withAdmin(this.#place, context, async (admin) => (await this.#marker(admin))?.touched === false)
  }

  async compare(details: PostgresDetails, context: Context, source?: ArtifactSource): Promise<readonly Difference[]> {
    this.#empty = emptyRemarks(details)
    const loaded = await this.#loadPlace(details, context)
    const reference = referenceOf({ place: this.#place, loaded, details, source, args: [] })
    const { version } = await readServer(this.#place, context)
    this.#ways = await withAdmin(this.#place, context, async (admin) => (await this.#marker(admin))?.ways ?? [])
    const expected = { ...details, fingerprint: expectedAfter(details.fingerprint, this.#ways) }
    return compareLoaded(loaded, version, expected, context, reference)
  }

  async content(details: PostgresDetails, context: Context): Promise<string | undefined> {
    return readLoadedContent(await this.#loadPlace(details, context), details, context)
  }

  rows(query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow> {
    return readRows({ server: this.#place.server, database: this.#place.names.live }, query, context)
  }

  runChecks(context: Context): Promise<readonly Difference[]> {
    const { settings, server, names } = this.#place
    if (settings.checks.length === 0) return Promise.resolve([])
    return withSession(server, names.live, context, (client) =>
      runAppChecks(client, settings.checks, limitsOf(settings).idleLimit),
    )
  }

  /** The load was the swap; this only makes sure that it happened. */
  async swap(_details: PostgresDetails, context: Context): Promise<void> {
    if ((await this.state(context)) === 'swapped') return
    throw new Failure('refused', `nothing was loaded over database ${this.#place.names.live}`)
  }

  async reopen(context: Context): Promise<void> {
    const { live } = this.#place.names
    await withAdmin(this.#place, context, async (admin) => {
      const marker = await this.#marker(admin)
      const limit = marker === undefined ? '' : ` connection limit ${marker.connectionLimit}`
      await inTransaction(admin, 'reopen', context, async () => {
        await change(
          admin,
          'ALTER DATABASE live ALLOW_CONNECTIONS true',
          `alter database ${identifier(live)} with allow_connections true${limit}`,
          context,
        )
        if (marker !== undefined)
          await change(admin, 'COMMENT ON DATABASE live', commentStatement(live, marker.comment), context)
      })
    })
  }

  /** Nothing is loaded beside but definitions, for a comparison that died. */
  discard(context: Context): Promise<void> {
    return withAdmin(this.#place, context, (admin) => dropBeside(admin, this.#place, 'reference', context))
  }

  undo(_context: Context): Promise<void> {
    const hint = 'Restore the point that was made before it.'
    return Promise.reject(new Failure('refused', 'a restore over the live data cannot be undone', { hint }))
  }

  /** Nothing is kept. */
  forget(_context: Context): Promise<void> {
    return Promise.resolve()
  }

  async #loadPlace(details: PostgresDetails, context: Context): Promise<LoadTarget> {
    const { settings, server, names } = this.#place
    const { version } = await readServer(this.#place, context)
    return {
      server,
      database: names.live,
      tools: await chooseRestoreTools(version, details, settings, context),
      limits: limitsOf(settings),
      jobs: LOAD_JOBS,
      settings: LOAD_SETTINGS,
      accept: this.#place.accept,
    }
  }
}

/** What is loaded, and the mark that says that it was begun. */
interface Overwriting {
  readonly details: PostgresDetails
  readonly source: ArtifactSource
  readonly marker: InPlaceMarker
}

const foreignKey = z.object({ table: z.string(), name: z.string() })

/**
 * Drops the foreign keys of the live database. pg_restore makes keys after rows, in a run of its own, and in the run
 * that drops tables it would not drop the keys that hold them.
 */
async function dropForeignKeys(live: pg.Client, context: Context): Promise<void> {
  const keys = await query(
    live,
    foreignKey,
    `select conrelid::regclass::text as table, conname as name from pg_constraint where contype = 'f' and conparentid = 0 order by 1, 2`,
  )
  for (const { table, name } of keys)
    await change(
      live,
      'DROP CONSTRAINT foreign key',
      `alter table ${table} drop constraint ${identifier(name)}`,
      context,
    )
}

/** One transaction cannot go on behind an error; steps can, and what they leave is named. */
function withWayOn(error: unknown): unknown {
  if (!isFailure(error, 'toolFailed')) return error
  const { kind, message, facts } = error
  return new Failure(kind, message, {
    cause: error,
    facts: { ...facts, accept: 'in-steps' },
    hint: 'With --accept in-steps the data is loaded in steps, and what is refused by other ways; with --target swap the live data is not touched until all is there.',
  })
}
