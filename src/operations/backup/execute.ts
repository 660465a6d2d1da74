import { isNothingThere } from '../../components/nothing-there.ts'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import { newFingerprintKey } from '../../repository/fingerprint-key.ts'
import type { ManifestKeyFit, MissingComponent } from '../../repository/documents.ts'
import type { App, OperationContext } from '../app.ts'
import { BackupEvidence } from '../key-fit/evidence.ts'
import type { Finding } from '../../core/restore-point.ts'
import { keyFindings, lackingKeys, proveAll } from '../key-fit/prove.ts'
import { backupWorld } from '../key-fit/worlds.ts'
import { about } from '../source.ts'
import { captureComponent } from './capture.ts'
import { allFailed, openDestinations, requireOne, type Destination } from './destinations.ts'
import { needsSaying, type BackupPlan } from './plan.ts'
import type { BackupReport, ComponentOutcome } from './report.ts'

/**
 * Captures every component once and commits the point in every repository. Nothing is listed anywhere before its
 * commit, and what was stored for a point that is not committed is removed again.
 *
 * Fails when no component could be captured or no repository could take the point; otherwise the report says what is
 * missing.
 */
export async function executeBackup(app: App, plan: BackupPlan, context: OperationContext): Promise<BackupReport> {
  const begun = context.clock.monotonic()
  const created = context.clock.now()
  const destinations = await openDestinations(app, plan, context)
  try {
    const fingerprintKey = newFingerprintKey()
    const evidence = new BackupEvidence(app.keyFit ?? [])
    const { components, findings, lacking } = await captureAll(
      app,
      destinations,
      { fingerprintKey, evidence, indivisible: plan.indivisible ?? false },
      context,
    )
    const keyFit = await proveAll(
      app.keyFit ?? [],
      backupWorld(app, { evidence, components, fingerprintKey }, context),
      context,
    )
    const missing = missingOf(plan, components, [...lacking, ...lackingKeys(app, keyFit, components)])
    const manifestFit = { fingerprintKey: fingerprintKey.reveal(), results: keyFit }
    await commitAll(destinations, { missing, keyFit: manifestFit, created }, context)
    const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
    const times = { created: created.toISOString(), durationMilliseconds }
    const { remarks } = evidence
    return reportOf(plan, { components, findings, keyFit, missing, remarks }, destinations, times)
  } finally {
    await Promise.all(destinations.map((destination) => destination.abandonUnlessCommitted()))
  }
}

async function captureAll(
  app: App,
  destinations: readonly Destination[],
  how: {
    readonly fingerprintKey: Secret
    readonly evidence: BackupEvidence
    readonly indivisible: NonNullable<BackupPlan['indivisible']>
  },
  context: OperationContext,
): Promise<Pick<Outcomes, 'components' | 'findings'> & { readonly lacking: readonly MissingComponent[] }> {
  const components: ComponentOutcome[] = []
  const lacking: MissingComponent[] = []
  const findings: Finding[] = []
  let first: Failure | undefined
  for (const component of app.components) {
    const captured = await captureComponent(
      component,
      destinations,
      { fingerprintKey: how.fingerprintKey, evidence: how.evidence.takerFor(component.name) },
      context,
    )
    // It is not the component's fault that nobody takes it.
    requireOne(destinations)
    const { cause } = captured
    if (cause !== undefined) first ??= about(`component ${component.name}`, cause)
    if (first !== undefined && how.indivisible === true) throw first
    if (cause !== undefined && how.indivisible !== false && !isNothingThere(cause))
      throw about(`component ${component.name}`, cause)
    components.push(captured.outcome)
    findings.push(...captured.findings)
    if (captured.lacks === undefined) continue
    const { name, kind } = captured.outcome
    lacking.push({ name, kind, reason: captured.lacks })
    findings.push({ level: 'error', subject: name, message: captured.lacks })
  }
  if (components.every(({ outcome }) => outcome === 'failed'))
    throw first ?? new Failure('usage', `app ${app.name} has no components`)
  return { components, findings, lacking }
}

interface Outcomes extends Pick<BackupReport, 'components' | 'findings' | 'keyFit'> {
  readonly missing: readonly MissingComponent[]
  readonly remarks: readonly string[]
}

interface Committed {
  readonly missing: readonly MissingComponent[]
  readonly keyFit: ManifestKeyFit
  readonly created: Date
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
  plan: BackupPlan,
  components: readonly ComponentOutcome[],
  lacking: readonly MissingComponent[],
): readonly MissingComponent[] {
  const failed = components.filter(({ outcome }) => outcome === 'failed')
  const reasons = failed.map(({ name, kind, failure }) => ({ name, kind, reason: failure?.message ?? 'failed' }))
  return [...reasons, ...lacking, ...(plan.missing ?? [])]
}

function reportOf(
  plan: BackupPlan,
  { components, findings, keyFit, missing, remarks }: Outcomes,
  destinations: readonly Destination[],
  times: Pick<BackupReport, 'created' | 'durationMilliseconds'>,
): BackupReport {
  const repositories = destinations.map((destination) => destination.outcome())
  const whole = missing.length === 0 && repositories.every(({ outcome }) => outcome === 'committed')
  return {
    app: plan.app,
    point: plan.point,
    ...(plan.note === undefined ? {} : { note: plan.note }),
    ...(plan.held === true ? { held: true } : {}),
    outcome: whole ? 'done' : 'incomplete',
    truth: 'read back',
    ...times,
    components,
    repositories,
    keyFit,
    findings: [...plan.findings, ...findings.filter(needsSaying), ...keyFindings(keyFit, remarks)],
  }
}
