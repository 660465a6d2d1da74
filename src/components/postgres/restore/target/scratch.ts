import { createHash } from 'node:crypto'
import { access, chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Difference, Finding } from '../../../../core/restore-point.ts'
import { isRoot } from '../../../../system/process/accounts.ts'
import type { LeaveOptions, LeftPlace, ScratchCopy } from '../../../capabilities/scratch-copy.ts'
import type { EvidenceQuery, EvidenceRow } from '../../../evidence.ts'
import type { RestoreTarget, TargetState } from '../../../target.ts'
import type { ArtifactSizes, ArtifactSource } from '../../../transfer.ts'
import { runAppChecks } from '../../check/app-checks.ts'
import { settingFindings } from '../../connection/settable-settings.ts'
import { applyProperties, capturedProperties, readProperties } from '../staged/carry-over.ts'
import { databaseConninfo, withSession } from '../../connection/connection.ts'
import { placeOf } from '../../place-of.ts'
import { readRows } from '../../evidence.ts'
import { letIn } from '../../private-server/listen.ts'
import type { LoadTarget } from '../load/load.ts'
import { folderFinding, neededBytes } from '../preflight/preflight-disk.ts'
import { requireTestable, toolFindings } from '../preflight/preflight-server.ts'
import { referenceOf } from '../../reference/reference.ts'
import { analyze } from '../load/analyze.ts'
import { unprovenRows } from '../../without-rows/sentences.ts'
import { restoreStaged } from '../restore-staged.ts'
import { expectedAfter } from '../second-pass/entries/expected-after.ts'
import { sentenceOf, type WayTaken } from '../second-pass/way.ts'
import { jobsOf } from '../session-settings.ts'
import { stageFindings } from '../load/staged-dump.ts'
import { encodingForRoles } from '../../roles/role-encoding.ts'
import { ensureRoles } from '../../roles/roles-restore.ts'
import type { PostgresDetails } from '../../schema.ts'
import { hasLabels, withoutLabels } from '../../roles/security-labels.ts'
import { stopLeftServer } from '../../private-server/server-left.ts'
import { startThrowAwayServer, possibleServer, type ThrowAwayServer } from '../../private-server/where.ts'
import { chooseLocale, createSide, markSide, readWays } from '../staged/side-database.ts'
import { compareLoaded, compareProperties, readLoadedContent } from './target-compare.ts'
import { withAdmin } from './database-target.ts'
import type { DatabaseTarget } from './database-target.ts'
import { limitsOf } from '../../tools/tool-run.ts'
import { chooseRestoreTools, oldestServerFor } from '../../tools/tools-restore.ts'

const READ_INSIDE =
  'the point was read by pg_dump inside the container: that it is as the live database was is not proven'

/** Others may pass through a folder, but not list it. */
const ENTER_ONLY = 0o711

/** Nobody replicates from the server and it is not started again: most of what is loaded needs no log, and nothing a vacuum. */
const NEVER_CRASHES = { wal_level: 'minimal', max_wal_senders: '0', autovacuum: 'off' } as const

/**
 * A restore to a throw-away server of our own, which nobody else can reach: for drills, and to look around in. It proves that the dump, the
 * roles and the settings can be restored; tablespaces become the default one. There is nothing live to swap or undo.
 */
export class ScratchTarget implements RestoreTarget<PostgresDetails> {
  readonly description: string
  readonly confirmation: string
  readonly copy: ScratchCopy = { leave: (context, options) => this.#leave(context, options) }
  readonly #settingsPlace: DatabaseTarget
  readonly #parent: string
  readonly #folder: string
  #running: ThrowAwayServer | undefined
  #ways: readonly WayTaken[] = []
  #readInside = false
  #unproven: readonly string[] = []

  constructor(place: DatabaseTarget, scratchFolder: string) {
    this.#settingsPlace = place
    this.#parent = scratchFolder
    // Two databases of one app have servers of their own.
    this.#folder = join(scratchFolder, `postgres-${shortHash(place)}-${place.restoreId}`)
    this.description = `database ${place.names.live} on a throw-away server`
    this.confirmation = place.names.live
  }

  async state(_context: Context): Promise<TargetState> {
    return access(this.#folder).then(
      () => 'staged',
      () => 'untouched',
    )
  }

  async preflight(details: PostgresDetails, context: Context, artifacts?: ArtifactSizes): Promise<readonly Finding[]> {
    return [
      ...(await this.#programFindings(details, context)),
      await folderFinding(this.#parent, details),
      ...(await stageFindings(artifacts, neededBytes(details))),
    ]
  }

  async #programFindings(details: PostgresDetails, context: Context): Promise<Finding[]> {
    const { settings } = this.#settingsPlace
    const { finding, version } = await possibleServer(settings, oldestServerFor(details), context)
    if (finding.level !== 'ok') return [finding]
    return [finding, ...(await toolFindings(version ?? details.serverVersion, settings, details, context))]
  }

  /** Rows; the dump is code, and its whole content must be known before. */
  authenticatedByLoad({ lanes }: PostgresDetails): readonly string[] {
    return lanes.map(({ role }) => role)
  }

  async load(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
    this.#readInside = details.readInside === true
    this.#unproven = unprovenRows(details)
    await this.discard(context)
    try {
      await this.#letServerIn(context)
      const major = oldestServerFor(details)
      this.#running = await startThrowAwayServer(this.#settingsPlace.settings, {
        folder: this.#folder,
        context,
        major,
        settings: NEVER_CRASHES,
        ...encodingForRoles(details),
      })
      await this.#fill(details, source, context)
    } catch (error) {
      await this.#cleanUp(context)
      throw error
    }
  }

  /** As root the server runs as another user, who must reach its folder through the private one; its own is closed to others. */
  async #letServerIn(context: Context): Promise<void> {
    if (isRoot()) await context.effects.run('let scratch server in', () => chmod(this.#parent, ENTER_ONLY))
  }

  async #fill(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
    const place = this.#place()
    await withAdmin(place, context, async (admin) => {
      await requireTestable(admin, details)
      const { missing } = await chooseLocale(admin, details)
      if (missing !== undefined)
        context.progress({
          type: 'warning',
          message: `locale ${missing} is not on this machine; the drill uses another`,
        })
      for (const { subject, message } of await settingFindings(admin, details))
        context.progress({ type: 'warning', message: `${subject} ${message}` })
      await ensureRoles(admin, details, source, context)
      await createSide(admin, place, details, context)
    })
    const loaded = await this.loadPlace(details, context)
    if (hasLabels(details))
      context.progress({
        type: 'warning',
        message: 'security labels are left out: a throw-away server has none of the libraries that provide them',
      })
    const ways = await restoreStaged(loaded, details, source, leftOut(details), context)
    await analyze(loaded, context)
    await withAdmin(place, context, async (admin) => {
      await applyProperties(admin, place.names.side, await capturedProperties(admin, details), context)
      await markSide(admin, place, { ways }, context)
    })
  }

  async #cleanUp(context: Context): Promise<void> {
    try {
      await this.discard(context)
    } catch (error) {
      context.progress({ type: 'warning', message: `${this.#folder} could not be removed: ${describe(error)}` })
    }
  }

  async compare(details: PostgresDetails, context: Context, source?: ArtifactSource): Promise<readonly Difference[]> {
    const place = this.#place()
    this.#ways = await withAdmin(place, context, (admin) => readWays(admin, place))
    const loaded = await this.loadPlace(details, context)
    const reference = referenceOf({ place, loaded, details, source, args: leftOut(details) })
    const expected = withoutLabels({ ...details, fingerprint: expectedAfter(details.fingerprint, this.#ways) })
    const differences = await compareLoaded(loaded, this.#server().version, expected, context, reference)
    return withAdmin(place, context, async (admin) => [
      ...differences,
      ...compareProperties(await capturedProperties(admin, details), await readProperties(admin, place.names.side)),
    ])
  }

  async content(details: PostgresDetails, context: Context): Promise<string | undefined> {
    return readLoadedContent(await this.loadPlace(details, context), details, context)
  }

  rows(query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow> {
    const { server, names } = this.#place()
    return readRows({ server, database: names.side }, query, context)
  }

  runChecks(context: Context): Promise<readonly Difference[]> {
    const { settings, server, names } = this.#place()
    return withSession(server, names.side, context, (client) =>
      runAppChecks(client, settings.checks, limitsOf(settings).idleLimit),
    )
  }

  remarks(): readonly string[] {
    return [...(this.#readInside ? [READ_INSIDE] : []), ...this.#unproven, ...this.#ways.map(sentenceOf)]
  }

  /** How what could not be loaded as it stands was loaded; known once it was compared. */
  waysTaken(): readonly WayTaken[] {
    return this.#ways
  }

  fence(_context: Context): Promise<void> {
    return notApplicable('fenced')
  }

  swap(_details: PostgresDetails, _context: Context): Promise<void> {
    return notApplicable('swapped in')
  }

  /** Nothing was locked. */
  reopen(_context: Context): Promise<void> {
    return Promise.resolve()
  }

  /** Ends the server and removes its folder, also for one that an earlier process left. */
  async discard(context: Context): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
    await stopLeftServer(this.#folder, context)
    await context.effects.run('remove scratch server', () => rm(this.#folder, { recursive: true, force: true }))
  }

  undo(_context: Context): Promise<void> {
    return notApplicable('undone')
  }

  /** Nothing is kept. */
  forget(_context: Context): Promise<void> {
    return Promise.resolve()
  }

  async #leave(context: Context, { listen = false }: LeaveOptions = {}): Promise<LeftPlace> {
    const { server, names } = this.#place()
    const open = listen ? await letIn(this.#place(), this.#folder, context) : undefined
    const running = this.#server()
    if (running.leave === undefined) throw staysInside()
    const { passwordFile } = await running.leave(open?.settings)
    this.#running = undefined
    const [host, port, user, database] = [server.host, open?.port ?? server.port, server.user, names.side]
    const command = `PGPASSFILE=${quoted(passwordFile)} psql -h ${quoted(host)} -p ${port} -U ${user} -d ${quoted(databaseArgument(database))}`
    const url = open === undefined ? {} : { url: open.url }
    return { folder: this.#folder, server: { host, port, user, database, passwordFile, command }, ...url }
  }

  #server(): ThrowAwayServer {
    if (this.#running === undefined) throw new Failure('refused', 'nothing was loaded into the throw-away server')
    return this.#running
  }

  /** As in the settings, but on our server. */
  #place(): DatabaseTarget {
    const settings = { ...this.#settingsPlace.settings, maintenanceDatabase: 'postgres' }
    return { ...this.#settingsPlace, settings, server: this.#server().server }
  }

  /** Where it was loaded, for who reads from it. */
  async loadPlace(details: PostgresDetails, context: Context): Promise<LoadTarget> {
    const { settings, server, names } = this.#place()
    return {
      server,
      database: names.side,
      tools: await chooseRestoreTools(this.#server().version, details, settings, context),
      limits: limitsOf(settings),
      jobs: jobsOf(settings),
      accept: this.#settingsPlace.accept,
    }
  }
}

/** What a throw-away server has no place or library for. */
function leftOut(details: PostgresDetails): readonly string[] {
  return ['--no-tablespaces', ...(hasLabels(details) ? ['--no-security-labels'] : [])]
}

function shortHash({ server, names: { live } }: DatabaseTarget): string {
  return createHash('sha256')
    .update(`${placeOf(server)} ${live}`)
    .digest('hex')
    .slice(0, 6)
}

/** A plain name as it is, any other so that libpq takes it for nothing but a name. */
function databaseArgument(name: string): string {
  return /^\w+$/.test(name) ? name : databaseConninfo(name)
}

/** One word of a shell. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function staysInside(): Failure {
  return new Failure(
    'unsupported',
    'a copy to look around in cannot stay in a container, which ends with this command',
    {
      hint: 'Install the server programs on this machine, and write throwAwayServer: here.',
    },
  )
}

function notApplicable(what: string): Promise<never> {
  return Promise.reject(new Failure('refused', `a restore to a throw-away server cannot be ${what}`))
}
