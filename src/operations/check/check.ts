import { throwIfCancelled } from '../../core/cancelled.ts'
import { failedFinding } from '../../core/failed-finding.ts'
import { SKEW_LIMIT } from '../../core/retention/retention-guards.ts'
import type { Finding } from '../../core/restore-point.ts'
import { ofComponent } from '../../core/progress.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { checkKeyFit } from './check-key-fit.ts'
import { findLostTogether } from '../placement/find-lost-together.ts'
import { findSecondInstallation } from '../placement/find-second-installation.ts'
import type { Catalog } from '../../repository/repository.ts'
import { identityFinding, openNewest, readerFor, type Opened } from './open-newest.ts'
import { pauseFinding } from '../pause/pause-finding.ts'
import { runningWorkloads } from '../pause/workloads.ts'
import { closedFinding } from '../keys/closed-finding.ts'

export interface CheckReport {
  readonly apps: readonly { readonly app: string; readonly findings: readonly Finding[] }[]
  readonly repositories: readonly { readonly repository: string; readonly findings: readonly Finding[] }[]
  readonly general: readonly Finding[]
  /** False when a backup would fail. */
  readonly ok: boolean
}

/** Tests everything that backups and restores of these apps need, as far as that is possible without doing them. */
export async function executeCheck(apps: readonly App[], context: OperationContext): Promise<CheckReport> {
  const checkedApps: { app: string; findings: Finding[] }[] = []
  for (const app of apps) checkedApps.push({ app: app.name, findings: [...(await checkComponents(app, context))] })
  const repositories = []
  const opened: Opened[] = []
  for (const target of uniqueRepositories(apps)) {
    const findings = await checkRepository(target, apps, context)
    const tried = await openNewest(target, apps, context)
    opened.push(...tried)
    repositories.push({ repository: target.name, findings: [...findings, ...tried.map(({ finding }) => finding)] })
  }
  for (const [index, app] of apps.entries()) {
    const fits = await asFindings('key fit', context, () => checkKeyFit(app, readerFor(app, opened), context))
    checkedApps[index]?.findings.push(...fits, ...(await togetherFinding(app, context)))
  }
  const general = [identityFinding(opened)]
  const all = [...checkedApps, ...repositories].flatMap(({ findings }) => findings)
  return { apps: checkedApps, repositories, general, ok: !all.some(({ level }) => level === 'error') }
}

function uniqueRepositories(apps: readonly App[]): readonly AppRepository[] {
  return [
    ...new Map(
      apps.flatMap(({ repositories }) => repositories.map((target) => [target.name, target] as const)),
    ).values(),
  ]
}

async function checkComponents(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { name, driver, settings } of app.components) {
    context.progress({ type: 'phase', phase: 'check', detail: `${app.name} ${name}` })
    findings.push(...(await asFindings(name, context, () => driver.check(settings, ofComponent(context, name)))))
  }
  findings.push(...(await asFindings('platform', context, () => platformFindings(app, context))))
  return [...findings, ...knownFindings(app)]
}

/** What went wrong for others is said, and is nothing that is wrong here. */
function knownFindings({ advice }: App): readonly Finding[] {
  const { warnings = [], versions = [] } = advice ?? {}
  const known =
    (subject: string) =>
    (message: string): Finding => ({ level: 'ok', subject, message })
  return [...versions.map(known('known of versions')), ...warnings.map(known('known of this app'))]
}

/** Asks what runs, as a restore does before it stops anything, and says what is stopped now. */
async function platformFindings(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const paused = await pauseFinding(app, context)
  if (app.platform === undefined) return paused
  const running = await runningWorkloads(app, context)
  const message =
    running.length === 0 ? 'nothing of the app runs now' : `a restore stops and starts ${running.join(', ')}`
  const { kind, settings, reaches, servers } = app.platform
  const more = (await kind.check?.(settings, reaches, context, servers)) ?? []
  return [...paused, { level: 'ok', subject: `platform ${kind.kind}`, message }, ...more]
}

async function checkRepository(
  target: AppRepository,
  apps: readonly App[],
  context: OperationContext,
): Promise<readonly Finding[]> {
  context.progress({ type: 'phase', phase: 'check', detail: `repository ${target.name}` })
  const opened = await asFindings(target.location, context, () => openAndCheck(target, apps, context))
  // Tried out also where it cannot be opened: what the storage lacks may be the reason.
  const tried = await asFindings(target.location, context, async () => (await target.probe?.(context)) ?? [])
  return [...opened, ...tried.filter(({ level }) => level !== 'ok')]
}

async function openAndCheck(
  target: AppRepository,
  apps: readonly App[],
  context: OperationContext,
): Promise<readonly Finding[]> {
  const repository = await target.open(context)
  const catalog = await repository.catalog(context)
  const skew = await repository.clockSkew(context)
  const closed = await closedFinding(target, context)
  // Taking and releasing a lease is a real create-only write with the rights that a backup will use.
  await repository.tryLease(context.newId(), context)
  return [
    {
      level: 'ok',
      subject: target.location,
      message: `can be read and written; ${catalog.points.length} restore points`,
    },
    ...(closed === undefined ? [] : [closed]),
    ...catalog.damaged.map(({ point, message }): Finding => ({
      level: 'error',
      subject: `restore point ${point}`,
      message,
    })),
    ...apps.flatMap((app) => secondFinding(app, catalog, context)),
    ...catalog.alarms.map((message): Finding => ({ level: 'error', subject: target.location, message })),
    ...repository.remarks.map((message): Finding => ({ level: 'warning', subject: target.location, message })),
    ...(repository.createOnly
      ? []
      : [
          {
            level: 'warning',
            subject: target.location,
            message: 'does not keep two writers apart; let only one host write to it',
          } as const,
        ]),
    ...(Math.abs(skew) <= SKEW_LIMIT
      ? []
      : [
          {
            level: 'warning',
            subject: 'clocks',
            message: `the storage's clock differs from ours by ${Math.round(skew / 1000)} s`,
            hint: 'Prune refuses to run while they differ by more than 5 minutes.',
          } as const,
        ]),
    ...(target.recipients.length > 0
      ? []
      : [
          {
            level: 'error',
            subject: target.location,
            message: 'has no recipients, so nothing could be encrypted',
            hint: 'Run holdfast init.',
          } as const,
        ]),
  ]
}

function secondFinding(app: App, { points }: Catalog, { clock }: OperationContext): readonly Finding[] {
  const message = findSecondInstallation(app, points, clock.now().getTime())
  if (message === undefined) return []
  const hint = 'Let only one of them back up this app, or give each its own name in its configuration.'
  return [{ level: 'warning', subject: `app ${app.name}`, message, hint }]
}

async function togetherFinding(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const message = await findLostTogether(app, context)
  if (message === undefined) return []
  const hint = `Add a repository elsewhere, or name one with its reason under apps.${app.name}.lostTogether.`
  return [{ level: 'warning', subject: 'repositories', message, hint }]
}

async function asFindings(
  subject: string,
  context: OperationContext,
  act: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await act()
  } catch (error) {
    throwIfCancelled(error, context.signal)
    return [failedFinding(subject, error)]
  }
}
