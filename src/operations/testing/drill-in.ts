import type { App, OperationContext } from '../app.ts'
import { planDrill, type DrillRequest } from '../drill/plan.ts'
import type { DrillReport } from '../drill/report.ts'
import { runDrill } from '../drill/run.ts'

/** Drills as the command does: the latest point, beside the live data, where a test says nothing else. */
export async function drillIn(app: App, context: OperationContext, request: DrillRequest = {}): Promise<DrillReport> {
  return await runDrill(app, await planDrill(app, { where: 'staged', ...request }, context), context)
}
