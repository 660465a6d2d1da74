import type { AcceptId } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { safetyFindings } from './safety-preflight.ts'
import type { Restoring } from './targets.ts'

/** What a restore will do, as data: shown before anything is touched, and all of `--dry-run`. */
export interface RestorePlan {
  readonly restoreId: string
  readonly app: string
  readonly point: string
  readonly pointCreated: string
  /** What somebody said of the point when it was made. */
  readonly note?: string
  readonly repository: string
  /** `beside` and `scratch`: load, compare and leave it there without touching the live data. */
  readonly mode: 'swap' | 'in-place' | 'beside' | 'scratch'
  readonly components: readonly PlannedComponent[]
  /** Components that the point lacks. */
  readonly missing: readonly string[]
  /** Components that this kind of restore cannot take: a throw-away copy of them cannot be left running. */
  readonly leftOut?: readonly string[]
  readonly safetyPoint: boolean
  /** What would keep the safety point from being made, or from being in each repository. */
  readonly safetyFindings?: readonly Finding[]
  /** Key fits that the operator said to go on without. */
  readonly acceptedMisfits?: readonly string[]
  /** What the operator agreed to restore without, where it cannot be made again. */
  readonly accept?: readonly AcceptId[]
  /** What the operator types to confirm. */
  readonly confirmation: string
}

export interface PlannedComponent {
  readonly name: string
  readonly kind: string
  readonly target: string
  readonly bytes: number
  readonly findings: readonly Finding[]
}

export interface RestoreRequest {
  readonly restoreId: string
  readonly mode: RestorePlan['mode']
  readonly repository: string
  readonly safetyPoint: boolean
  readonly leftOut?: readonly string[]
  readonly acceptedMisfits?: readonly string[]
  readonly accept?: readonly AcceptId[]
  /** The components that were asked for by name; all where none was. */
  readonly chosen?: readonly string[] | undefined
}

/**
 * Runs every preflight; changes nothing. Findings of level `error` are in the plan and stop it from being executed. `app` is
 * whose live data a promised safety point would hold.
 */
export async function planRestore(
  reader: PointReader,
  targets: readonly Restoring[],
  { chosen, ...request }: RestoreRequest,
  context: OperationContext,
  app?: App,
): Promise<RestorePlan> {
  const promised = request.safetyPoint && app !== undefined
  const safety = promised ? await safetyFindings(app, reader.commit, context) : []
  const components: PlannedComponent[] = []
  for (const { name, kind, target, details, bytes, source } of targets) {
    context.progress({ type: 'phase', phase: 'preflight', detail: target.description })
    components.push({
      name,
      kind,
      target: target.description,
      bytes,
      findings: await target.preflight(details, context, source),
    })
  }
  return {
    ...request,
    ...(safety.length === 0 ? {} : { safetyFindings: safety }),
    app: reader.commit.app,
    point: reader.commit.point,
    pointCreated: reader.commit.created,
    ...noteOf(reader.commit),
    components,
    missing: missingOf(reader, chosen),
    confirmation: targets.at(-1)?.target.confirmation ?? reader.commit.app,
  }
}

/** Of all that the point lacks, what was asked for. */
function missingOf({ manifest }: PointReader, chosen: readonly string[] | undefined): readonly string[] {
  return manifest.missing.map(({ name }) => name).filter((name) => chosen?.includes(name) !== false)
}

/** What would make the plan fail. */
export function blockers({ components, safetyFindings = [] }: RestorePlan): readonly Finding[] {
  const all = [...safetyFindings, ...components.flatMap(({ findings }) => findings)]
  return all.filter(({ level }) => level === 'error')
}

/** Refuses a plan whose preflight found what would make it fail. */
export function assertExecutable(plan: RestorePlan): void {
  const errors = blockers(plan)
  if (errors.length === 0) return
  const listed = errors.map(({ subject, message }) => `${subject}: ${message}`).join('; ')
  throw new Failure('refused', `restore of app ${plan.app} would fail: ${listed}`, {
    hint: errors.map(({ hint }) => hint).find((hint) => hint !== undefined) ?? 'Nothing was changed.',
  })
}
