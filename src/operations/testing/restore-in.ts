import type { Effects } from '../../core/ports.ts'
import type { App } from '../app.ts'
import { executeRestore } from '../restore/execute.ts'
import type { RestorePlan } from '../restore/plan.ts'
import type { RestoreReport } from '../restore/report.ts'
import { openTargets } from '../restore/targets.ts'
import { pair, type Workshop } from './workshop.ts'

/** What a test says of its restore; a swap without a safety point where it says nothing. */
type PlannedRestore = Pick<RestorePlan, 'restoreId' | 'point'> & Partial<RestorePlan>

/** Restores a point of a workshop's first repository as the command does, with a plan that no preflight was asked for. */
export async function restoreIn(
  workshop: Workshop,
  app: App,
  planned: PlannedRestore,
  effects?: Effects,
): Promise<RestoreReport> {
  const { restoreId, point } = planned
  const context = workshop.context(effects)
  const reader = await (await workshop.repository(0, effects)).open(point, [pair], context)
  const targets = await openTargets(app, reader, { mode: 'swap', restoreId, scratchFolder: '' }, context)
  const plan: RestorePlan = {
    app: app.name,
    pointCreated: '',
    repository: 'repository-0',
    mode: 'swap',
    components: targets.map(({ name, kind }) => ({ name, kind, target: name, bytes: 0, findings: [] })),
    missing: [],
    safetyPoint: false,
    confirmation: app.name,
    ...planned,
  }
  return executeRestore(app, reader, targets, plan, context)
}
