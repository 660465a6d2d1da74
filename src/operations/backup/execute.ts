import { isNothingThere } from '../../components/nothing-there.ts'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import { newFingerprintKey } from '../../repository/fingerprint-key.ts'
import type { CommitServer, ManifestKeyFit, MissingComponent } from '../../repository/documents/documents.ts'
import type { PointContent } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { BackupEvidence } from '../key-fit/evidence.ts'
import type { Finding } from '../../core/restore-point.ts'
import { keyFindings, lackingKeys, proveAll } from '../key-fit/prove.ts'
import { backupWorld } from '../key-fit/evidence-sources.ts'
import { remarksOf } from '../lineage/compare.ts'
import { alarmFinding, wentBackIn } from '../lineage/remarks.ts'
import { loadServerNotes } from '../lineage/server-notes.ts'
import { beginHooks, endHooks, type HookOutcome } from '../hooks/hooks.ts'
import { CaptureWindow } from '../pause/capture-window.ts'
import { unprovenRemark } from '../proof/unproven-remark.ts'
import { SAFETY_REMARK } from '../points/safety-remark.ts'
import { about } from '../source.ts'
import { captureAgain } from './capture-again.ts'
import { captureComponent } from './capture.ts'
import { allFailed, openDestinations, requireOne, type Destination, type KnownOf } from './destinations.ts'
import { adviseFull, withAdvice } from './make-room.ts'
import type { BackupOrder } from './order.ts'
import { needsSaying } from './plan.ts'
import { summarize, type BackupReport, type ComponentOutcome } from './report.ts'

/**
 * Captures every component once and commits the point in every repository. Nothing is listed anywhere before its
 * commit, and what was stored for a point that is not committed is removed again.
 *
 * Fails when no component could be captured or no repository could take the point; otherwise the report says what is
 * missing.
 */
export async function executeBackup(
  app: App,
  order: BackupOrder,
  context: OperationContext,
  known?: KnownOf,
): Promise<BackupReport> {
  const begun = context.clock.monotonic()
  const created = context.clock.now()
  const destinations = await openDestinations(app, { ...order, known }, context)
  try {
    const fingerprintKey = (await context.fingerprintKey?.(app.name)) ?? newFingerprintKey()
    const evidence = new BackupEvidence(app.keyFit ?? [])
    const window = new CaptureWindow(app, order.point, context)
    const how = { fingerprintKey, evidence, window, point: order.point, indivisible: order.indivisible ?? false }
    const { components, findings, lacking, servers, unproven } = await captureAll(app, destinations, how, context)
    const keyFit = await proveAll(
      app.keyFit ?? [],
      backupWorld(app, { evidence, components, fingerprintKey }, context),
      context,
    )
    const missing = missingOf(order, components, [...lacking, ...lackingKeys(app, keyFit, components)])
    const manifestFit = { fingerprintKey: fingerprintKey.reveal(), results: keyFit }
    const compared = await comparison(app, order, { servers, created }, context)
    const remarksBeside: typeof compared = (commits) => [...unproven, ...compared(commits)]
    await commitAll(
      destinations,
      { missing, keyFit: manifestFit, created, servers, remarksBeside, file: app.configuration },
      context,
    )
    const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
    const times = { created: created.toISOString(), durationMilliseconds }
    const { remarks } = evidence
    await adviseFull(app, destinations, context)
    const outcomes = { components, findings, keyFit, missing, remarks, servers, notResumed: window.failure }
    return reportOf(order, outcomes, destinations, times)
  } catch (error) {
    await adviseFull(app, destinations, context)
    throw withAdvice(error, destinations)
  } finally {
    await Promise.all(destinations.map((destination) => destination.abandonUnlessCommitted()))
  }
}

interface CaptureHow {
  readonly fingerprintKey: Secret
  readonly evidence: BackupEvidence
  readonly window: CaptureWindow
  readonly point: string
  readonly indivisible: NonNullable<BackupOrder['indivisible']>
}

type AllCaptured = Pick<Outcomes, 'components' | 'findings' | 'servers'> & {
  readonly lacking: readonly MissingComponent[]
  /** For the commits. */
  readonly unproven: readonly string[]
}

/** Whatever fails, the workloads that were stopped for it are started again. */
async function captureAll(
  app: App,
  destinations: readonly Destination[],
  how: CaptureHow,
  context: OperationContext,
): Promise<AllCaptured> {
  let outcome: HookOutcome = 'failed'
  try {
    await beginHooks(app, { kind: 'Capture', operation: 'backup', id: how.point }, context)
    const captured = await captureEach(app, destinations, how, context)
    outcome = 'done'
    return captured
  } finally {
    await how.window.close()
    await how.window.afterwards(() => endHooks(app, how.point, outcome, context))
  }
}

async function captureEach(
  app: App,
  destinations: readonly Destination[],
  how: CaptureHow,
  context: OperationContext,
): Promise<AllCaptured> {
  const components: ComponentOutcome[] = []
  const servers: CommitServer[] = []
  const lacking: MissingComponent[] = []
  const findings: Finding[] = []
  const unproven: string[] = []
  let first: Failure | undefined
  for (const component of app.components) {
    const { fingerprintKey, evidence, window } = how
    const keys = { fingerprintKey, window, evidence: evidence.takerFor(component.name) }
    const capture = (attempt: number): ReturnType<typeof captureComponent> =>
      captureComponent(component, destinations, { ...keys, attempt }, context)
    const captured = await captureAgain(component.name, capture, context)
    // It is not the component's fault that nobody takes it.
    requireOne(destinations)
    const { cause } = captured
    if (cause !== undefined) first ??= about(`component ${component.name}`, cause)
    if (first !== undefined && how.indivisible === true) throw first
    if (cause !== undefined && how.indivisible !== false && !isNothingThere(cause))
      throw about(`component ${component.name}`, cause)
    components.push(captured.outcome)
    findings.push(...captured.findings)
    if (captured.server !== undefined) servers.push({ component: component.name, ...captured.server })
    if (captured.unproven !== undefined) unproven.push(unprovenRemark(component.name, captured.unproven))
    if (captured.lacks === undefined) continue
    const { name, kind } = captured.outcome
    lacking.push({ name, kind, reason: captured.lacks })
    findings.push({ level: 'error', subject: name, message: captured.lacks })
  }
  if (components.every(({ outcome }) => outcome === 'failed'))
    throw first ?? new Failure('usage', `app ${app.name} has no components`)
  return { components, findings, lacking, servers, unproven }
}

interface Outcomes extends Pick<BackupReport, 'components' | 'findings' | 'keyFit'> {
  readonly missing: readonly MissingComponent[]
  readonly remarks: readonly string[]
  readonly servers: readonly CommitServer[]
  readonly notResumed: Failure | undefined
}

type Committed = Omit<PointContent, 'components' | 'keyFit' | 'configuration'> & {
  readonly keyFit: ManifestKeyFit
  readonly file: App['configuration']
}

/** A safety point is of the place that a restore replaces: where that was before is what the operator is about to end. */
async function comparison(
  app: App,
  order: BackupOrder,
  { servers, created }: Required<Pick<PointContent, 'servers' | 'created'>>,
  context: OperationContext,
): Promise<NonNullable<PointContent['remarksBeside']>> {
  if (order.remarks?.includes(SAFETY_REMARK) === true) return () => []
  const notes = await loadServerNotes(app.name, context)
  const lineage = { app: app.name, created, servers, notes, accepted: order.acceptWentBack === true }
  return (commits) => remarksOf(lineage, commits)
}

function alarmsOf(destinations: readonly Destination[]): readonly string[] {
  const said = destinations.flatMap(({ committed }) => (committed === undefined ? [] : (wentBackIn(committed) ?? [])))
  return [...new Set(said)]
}

async function commitAll(
  destinations: readonly Destination[],
  content: Committed,
  context: OperationContext,
): Promise<void> {
  context.progress({ type: 'phase', phase: 'commit' })
  await Promise.all(destinations.map((destination) => destination.commit(content)))
  const committed = destinations.some((destination) => destination.outcome().outcome === 'committed')
  if (!committed) throw allFailed(destinations)
}

function missingOf(
  order: BackupOrder,
  components: readonly ComponentOutcome[],
  lacking: readonly MissingComponent[],
): readonly MissingComponent[] {
  const failed = components.filter(({ outcome }) => outcome === 'failed')
  const reasons = failed.map(({ name, kind, failure }) => ({ name, kind, reason: failure?.message ?? 'failed' }))
  return [...reasons, ...lacking, ...(order.missing ?? [])]
}

function reportOf(
  order: BackupOrder,
  { components, findings, keyFit, missing, remarks, servers, notResumed }: Outcomes,
  destinations: readonly Destination[],
  times: Pick<BackupReport, 'created' | 'durationMilliseconds'>,
): BackupReport {
  const repositories = destinations.map((destination) => destination.outcome())
  const alarms = alarmsOf(destinations)
  // What nobody can open is as good as not there, however well it is stored.
  const isOpenable = (order.unopenable ?? []).length === 0
  const whole = isOpenable && missing.length === 0 && repositories.every(({ outcome }) => outcome === 'committed')
  return {
    app: order.app,
    point: order.point,
    ...(order.note === undefined ? {} : { note: order.note }),
    ...(order.held === true ? { held: true } : {}),
    outcome: whole ? 'done' : 'incomplete',
    truth: 'read back',
    ...times,
    components,
    repositories,
    keyFit,
    findings: [
      ...findings.filter(needsSaying),
      ...keyFindings(keyFit, remarks),
      ...alarms.map((alarm) => alarmFinding(order.app, alarm)),
    ],
    alarms,
    servers,
    ...(notResumed === undefined ? {} : { notResumed: summarize(notResumed) }),
  }
}
