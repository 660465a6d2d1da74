import { WENT_BACK } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { App, OperationContext } from '../app.ts'
import type { Changes } from '../changes/look.ts'
import { platformNow } from '../fixed-platform.ts'
import { closedFinding } from '../keys/closed-finding.ts'
import { isCapturedPaused } from '../pause/capture-window.ts'
import { outsideWindow, plannedWindow, type PlannedWindow } from '../pause/window.ts'
import { plannedPauses, type PlannedPauses } from '../pause/workloads.ts'
import { parseNote } from './note.ts'
import type { BackupOrder } from './order.ts'

/** An order, and what people should know before it runs. */
export interface BackupPlan extends BackupOrder, PlannedPauses {
  readonly components: readonly { readonly name: string; readonly kind: string }[]
  readonly repositories: readonly { readonly name: string; readonly location: string }[]
  readonly findings: readonly Finding[]
  readonly window?: PlannedWindow
}

export interface BackupRequest {
  /** What somebody says of the point: one line. */
  readonly note?: string | undefined
  readonly hold?: boolean | undefined
  /** What has changed, where the point is made for that. */
  readonly changes?: Changes | undefined
  /** Ids of refusals that the operator accepted. */
  readonly accept?: readonly string[] | undefined
}

/** Looks at everything the backup needs; changes nothing. */
export async function planBackup(
  app: App,
  context: OperationContext,
  { note: given, hold, accept = [], changes }: BackupRequest = {},
): Promise<BackupPlan> {
  const note = given ?? (changes === undefined ? undefined : `changed: ${changes.changed.join(', ')}`)
  const said = note === undefined ? {} : { note: parseNote(note) }
  if (app.repositories.length === 0)
    throw new Failure('usage', `app ${app.name} has no repository`, {
      hint: 'Name at least one under apps.<app>.repositories.',
    })
  const findings: Finding[] = []
  for (const component of app.components) {
    findings.push(...(await checkOf(component, context)))
  }
  const closed = await closedRepositories(app, context)
  const pauses = app.components.some(isCapturedPaused) ? await plannedPauses(app, context) : {}
  const unopenable = closed.filter(({ finding }) => finding.level === 'error').map(({ name }) => name)
  return {
    app: app.name,
    ...(await platformNow(app, context)),
    point: context.newId(),
    components: app.components.map(({ name, driver }) => ({ name, kind: driver.kind })),
    repositories: app.repositories.map(({ name, location }) => ({ name, location })),
    findings: [...findings.filter(needsSaying), ...closed.map(({ finding }) => finding)],
    ...(pauses.pauses === undefined ? {} : { ...pauses, ...plannedWindow(app, context) }),
    ...(unopenable.length === 0 ? {} : { unopenable }),
    ...said,
    ...(changes === undefined ? {} : { changed: changes.digests }),
    ...(hold === undefined ? {} : { held: hold }),
    ...(accept.includes(WENT_BACK) ? { acceptWentBack: true } : {}),
    ...outsideWindow(accept),
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
