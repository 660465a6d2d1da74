import { failedFinding } from '../../core/failed-finding.ts'
import { describe, isFailure } from '../../core/failure.ts'
import { SKEW_LIMIT } from '../../core/retention-guards.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
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
  const checkedApps = []
  for (const app of apps) checkedApps.push({ app: app.name, findings: await checkComponents(app, context) })
  const repositories = []
  for (const target of uniqueRepositories(apps))
    repositories.push({ repository: target.name, findings: await checkRepository(target, context) })
  const general = [await checkIdentity(apps, context)]
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
    findings.push(...(await asFindings(name, context, () => driver.check(settings, context))))
  }
  return findings
}

async function checkRepository(target: AppRepository, context: OperationContext): Promise<readonly Finding[]> {
  context.progress({ type: 'phase', phase: 'check', detail: `repository ${target.name}` })
  const opened = await asFindings(target.location, context, () => openAndCheck(target, context))
  // Tried out also where it cannot be opened: what the storage lacks may be the reason.
  const tried = await asFindings(target.location, context, async () => (await target.probe?.(context)) ?? [])
  return [...opened, ...tried.filter(({ level }) => level !== 'ok')]
}

async function openAndCheck(target: AppRepository, context: OperationContext): Promise<readonly Finding[]> {
  const repository = await target.open(context)
  const catalog = await repository.catalog(context)
  const skew = await repository.clockSkew(context)
  const closed = await closedFinding(target, context)
  // Taking and releasing a lease is a real create-only write with the rights that a backup will use.
  await (await repository.lease(`check-${context.newId()}`, context)).release()
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

/** Whether a restore on this host would find a private key that opens what is there. */
async function checkIdentity(apps: readonly App[], context: OperationContext): Promise<Finding> {
  const subject = 'private key'
  for (const app of apps) {
    for (const target of app.repositories) {
      const verdict = await tryNewest(target, app.name, context)
      if (verdict !== undefined) return { ...verdict, subject }
    }
  }
  return { level: 'untested', subject, message: 'there is no restore point yet to try a private key on' }
}

async function tryNewest(
  target: AppRepository,
  app: string,
  context: OperationContext,
): Promise<Omit<Finding, 'subject'> | undefined> {
  try {
    const repository = await target.open(context)
    const newest = (await repository.catalog(context)).points.findLast(({ commit }) => commit.app === app)
    if (newest === undefined) return undefined
    const reader = await repository.open(newest.point, await context.identities(), context)
    return { level: 'ok', message: `opens the newest restore point (${reader.commit.point})` }
  } catch (error) {
    if (isFailure(error, 'usage'))
      return {
        level: 'untested',
        message: 'none is configured on this host, so that this host cannot read its backups; drills here need one',
      }
    if (isFailure(error, 'cancelled')) throw error
    return { level: 'warning', message: describe(error) }
  }
}

async function asFindings(
  subject: string,
  context: OperationContext,
  act: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await act()
  } catch (error) {
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    return [failedFinding(subject, error)]
  }
}
