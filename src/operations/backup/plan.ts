import { Failure } from '../../core/failure.ts'
import type { Finding, PointId } from '../../core/restore-point.ts'
import type { MissingComponent } from '../../repository/documents.ts'
import type { KnownCommits } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { closedFinding } from '../keys/closed-finding.ts'

/** What a backup will do, as data. */
export interface BackupPlan {
  readonly app: string
  readonly point: PointId
  readonly components: readonly { readonly name: string; readonly kind: string }[]
  readonly repositories: readonly { readonly name: string; readonly location: string }[]
  readonly findings: readonly Finding[]
  /** An operator says that a server that went back is what it should be. */
  readonly acceptWentBack?: boolean
  /** Names of repositories whose points nobody could open: a backup to them is incomplete. */
  readonly unopenable?: readonly string[]
  /** Said of the point in its commit. */
  readonly remarks?: readonly string[]
  /** What somebody says of the point, for everybody to read. */
  readonly note?: string | undefined
  /** No prune removes the point until it is released. */
  readonly held?: boolean | undefined
  /** Components that the point cannot have, and why. */
  readonly missing?: readonly MissingComponent[]
  /**
   * One component that fails fails all: the point is of one thing, which cannot be captured again in parts. Of a safety
   * point components may be lacking of which nothing is there.
   */
  readonly indivisible?: boolean | 'unless nothing is there'
  /** What this run has read of the chain of a repository, by its name. */
  readonly known?: (repository: string) => KnownCommits
}

/** Looks at everything the backup needs; changes nothing. */
export async function planBackup(app: App, context: OperationContext): Promise<BackupPlan> {
  if (app.repositories.length === 0)
    throw new Failure('usage', `app ${app.name} has no repository`, {
      hint: 'Name at least one under apps.<app>.repositories.',
    })
  const findings: Finding[] = []
  for (const component of app.components) {
    findings.push(...(await checkOf(component, context)))
  }
  const closed = await closedRepositories(app, context)
  const unopenable = closed.filter(({ finding }) => finding.level === 'error').map(({ name }) => name)
  return {
    app: app.name,
    point: context.newId(),
    components: app.components.map(({ name, driver }) => ({ name, kind: driver.kind })),
    repositories: app.repositories.map(({ name, location }) => ({ name, location })),
    findings: [...findings.filter(needsSaying), ...closed.map(({ finding }) => finding)],
    ...(unopenable.length === 0 ? {} : { unopenable }),
  }
}

interface Closed {
  readonly name: string
  readonly finding: Finding
}

async function closedRepositories(app: App, context: OperationContext): Promise<readonly Closed[]> {
  const looked = await Promise.all(
    app.repositories.map(async (target) => ({ name: target.name, finding: await closedFinding(target, context) })),
  )
  return looked.flatMap(({ name, finding }) => (finding === undefined ? [] : [{ name, finding }]))
}

/** What is well, or not known, is in `check`. */
export function needsSaying({ level }: Finding): boolean {
  return level === 'warning' || level === 'error'
}

/** A component that cannot even be looked at fails later, at its capture, with its own reason. */
async function checkOf(component: App['components'][number], context: OperationContext): Promise<readonly Finding[]> {
  try {
    const { driver, settings } = component
    return await (driver.checkBeforeCapture?.(settings, context) ?? driver.check(settings, context))
  } catch (error) {
    if (context.signal.aborted) throw error
    return []
  }
}
