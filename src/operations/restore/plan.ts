import { acceptedNames, KEY_MISFIT, restoreIdsOf } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { Advice } from '../../profiles/profile.ts'
import type { CatalogPoint, PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { platformNow } from '../fixed-platform.ts'
import { outsideWindow, plannedWindow, type PlannedWindow } from '../pause/window.ts'
import { plannedPauses, type PlannedPauses } from '../pause/workloads.ts'
import { openChosenPoint } from '../points/open-chosen-point.ts'
import { appInto } from './into/app-into.ts'
import { requireConfigured, requireWhole, withoutOwn } from './into/choose-into.ts'
import type { Into } from '../../core/texts/into-text.ts'
import { ofComponent } from '../../core/progress.ts'
import { intoSchema } from './into/into.ts'
import { refuseTaken } from './into/refuse-taken.ts'
import { missingOf } from './missing.ts'
import { restoreOrder, type Destination, type RestoreOrder } from './order.ts'
import { safetyFindings } from './safety-point/safety-preflight.ts'
import { openOrdered, type ComponentRestore } from './targets.ts'
import { refuseUnfinished } from './unfinished.ts'

/** An order, and what people should know before it runs: shown before anything is touched, and all of `--dry-run`. */
export interface RestorePlan extends RestoreOrder, PlannedPauses {
  readonly pointCreated: string
  /** What somebody said of the point when it was made. */
  readonly note?: string
  readonly components: readonly PlannedComponent[]
  /** Components that the point lacks. */
  readonly missing: readonly string[]
  /** Components that this kind of restore cannot take: a throw-away copy of them cannot be left running. */
  readonly leftOut?: readonly string[]
  readonly window?: PlannedWindow
  /** What is known of the app: what is left to do afterwards, what went wrong for others, which versions take the data. */
  readonly advice?: Advice
  /** What would keep the safety point from being made, or from being in each repository. */
  readonly safetyFindings?: readonly Finding[]
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
  /** `latest` (the default), an id or its start, or a time. */
  readonly at?: string | undefined
  /** Reads from this repository only. */
  readonly repository?: string | undefined
  /** `swap` by default. */
  readonly mode?: Destination | undefined
  readonly components?: readonly string[] | undefined
  /** Another place than the app's own, for each component that is restored. */
  readonly into?: Into | undefined
  /** True by default, where live data is replaced. */
  readonly safetyPoint?: boolean | undefined
  /** Ids of refusals that the operator accepted. */
  readonly accept?: readonly string[] | undefined
  readonly listen?: boolean | undefined
}

/**
 * Chooses and opens the point and runs every preflight; changes nothing. Findings of level `error` are in the plan, and then
 * it gives no order. Fails with `refused` while a restore of the app is unfinished, but for `scratch`, which touches nothing live.
 */
export async function planRestore(app: App, request: RestoreRequest, context: OperationContext): Promise<RestorePlan> {
  const { mode = 'swap', listen } = request
  if (listen === true && mode !== 'scratch')
    throw new Failure('usage', '--listen is for --target scratch', { hint: 'Add --target scratch, or leave it out.' })
  const into = await placeOf(app, request, context)
  const there = appInto(app, into)
  if (mode !== 'scratch') await refuseUnfinished(app, into, context)
  const { found, reader } = await openChosenPoint(app, request, context)
  requireWhole(app, into, request.components ?? reader.manifest.components.map(({ name }) => name))
  const order = orderFor(there, request, { ...found, restoreId: context.newId().slice(-8) })
  if (mode !== 'scratch') {
    const fixed = { ...order, ...(await platformNow(app, context)) }
    return await planWith(there, { order: fixed, reader, point: found.point }, undefined, context)
  }
  const folder = await context.scratchFolder()
  try {
    return await planWith(app, { order, reader, point: found.point }, folder.path, context)
  } finally {
    await folder.remove()
  }
}

/** Fails with `refused` where the configuration names what is there. */
async function placeOf(
  app: App,
  { mode, into: asked }: RestoreRequest,
  context: OperationContext,
): Promise<Into | undefined> {
  if (asked !== undefined && mode === 'scratch')
    throw new Failure('usage', '--into is not for --target scratch', {
      hint: 'A throw-away copy has a place of its own. Leave out one of the two.',
    })
  const parsed = asked && intoSchema.parse(asked)
  const into = await withoutOwn(app, parsed, context)
  requireConfigured(app, parsed, into)
  await refuseTaken(appInto(app, into), context)
  return into
}

function orderFor(
  app: App,
  { mode = 'swap', components, safetyPoint = true, accept = [], listen }: RestoreRequest,
  chosen: { readonly restoreId: string; readonly point: CatalogPoint; readonly repositoryName: string },
): RestoreOrder {
  const without = restoreIdsOf(accept)
  return {
    restoreId: chosen.restoreId,
    app: app.name,
    point: chosen.point.point,
    repository: chosen.repositoryName,
    mode,
    ...(components === undefined ? {} : { chosen: components }),
    ...(app.into === undefined ? {} : { into: app.into }),
    // What is at another place is not the app's data, and no point of the app may hold it.
    safetyPoint: safetyPoint && app.into === undefined && (mode === 'swap' || mode === 'in-place'),
    acceptedMisfits: acceptedNames(accept, KEY_MISFIT),
    ...(without.length === 0 ? {} : { accept: without }),
    ...(listen === true ? { listen } : {}),
    ...outsideWindow(accept),
  }
}

interface Opened {
  readonly order: RestoreOrder
  readonly reader: PointReader
  readonly point: CatalogPoint
}

async function planWith(
  app: App,
  { order, reader, point }: Opened,
  folder: string | undefined,
  context: OperationContext,
): Promise<RestorePlan> {
  const { targets, leftOut } = await openOrdered(app, { order, reader, proofs: point.proofs, folder }, context)
  const replaces = order.mode === 'swap' || order.mode === 'in-place'
  const pauses = replaces ? await plannedPauses(app, context) : {}
  const safety = order.safetyPoint ? await safetyFindings(app, reader.commit, context) : []
  return {
    ...order,
    ...(safety.length === 0 ? {} : { safetyFindings: safety }),
    ...pauses,
    ...(replaces ? plannedWindow(app, context) : {}),
    ...(app.advice === undefined || !replaces ? {} : { advice: app.advice }),
    ...(leftOut.length === 0 ? {} : { leftOut: leftOut.map(({ name }) => name) }),
    pointCreated: reader.commit.created,
    ...noteOf(reader.commit),
    components: await lookAtAll(targets, context),
    missing: missingOf(reader, order.chosen),
    confirmation: targets.at(-1)?.target.confirmation ?? app.name,
  }
}

async function lookAtAll(
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<readonly PlannedComponent[]> {
  const components: PlannedComponent[] = []
  for (const { name, kind, target, details, bytes, source } of targets) {
    context.progress({ type: 'phase', phase: 'preflight', detail: target.description })
    const findings = await target.preflight(details, ofComponent(context, name), source)
    components.push({ name, kind, target: target.description, bytes, findings })
  }
  return components
}

/** What would make the plan fail. */
export function blockers({ components, safetyFindings = [] }: RestorePlan): readonly Finding[] {
  const all = [...safetyFindings, ...components.flatMap(({ findings }) => findings)]
  return all.filter(({ level }) => level === 'error')
}

/** The order of a plan. Fails with `refused` when its preflight found what would make it fail. */
export function orderOf(plan: RestorePlan): RestoreOrder {
  const errors = blockers(plan)
  if (errors.length === 0) return restoreOrder.parse(plan)
  const listed = errors.map(({ subject, message }) => `${subject}: ${message}`).join('; ')
  throw new Failure('refused', `restore of app ${plan.app} would fail: ${listed}`, {
    hint: errors.map(({ hint }) => hint).find((hint) => hint !== undefined) ?? 'Nothing was changed.',
  })
}
