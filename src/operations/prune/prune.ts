import { z } from 'zod'
import type { App, OperationContext } from '../app.ts'
import { executePrune, planPruneOf, withheldBy, type PruneReport } from './execute.ts'
import { forgetExpired } from './forget-expired.ts'
import type { ForgottenPrevious } from './forgotten.ts'
import type { PrunePlan } from './plan.ts'

/** What a prune is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const pruneOrder = z.object({
  app: z.string(),
  /** Ids of refusals that the operator accepted; an approval names exactly one plan. */
  accept: z.array(z.string()).readonly(),
})
export type PruneOrder = Readonly<z.infer<typeof pruneOrder>>

/** An order, and what it would do in each repository of the app. */
export interface AppPrunePlan extends PruneOrder {
  readonly plans: readonly {
    readonly repository: string
    readonly plan: PrunePlan
    /** Why nothing would be removed although the rules would. */
    readonly withheld: readonly string[]
  }[]
}

export interface AppPruneReport {
  readonly reports: readonly PruneReport[]
  /** Data retained for undo, and what killed runs left, whose time is over. */
  readonly forgotten: readonly ForgottenPrevious[]
}

/** Decides what would be removed; changes nothing. */
export async function planPrune(app: App, accept: readonly string[], context: OperationContext): Promise<AppPrunePlan> {
  const plans: AppPrunePlan['plans'][number][] = []
  for (const target of app.repositories) {
    const plan = await planPruneOf(app, await target.open(context), context, accept)
    plans.push({ repository: target.name, plan, withheld: withheldBy(plan, accept) })
  }
  return { app: app.name, accept, plans }
}

/** Removes what the rules say in each repository, each by a plan that is made again under its lease, and what is over. */
export async function runPrune(app: App, { accept }: PruneOrder, context: OperationContext): Promise<AppPruneReport> {
  const reports: PruneReport[] = []
  for (const target of app.repositories) reports.push(await executePrune(app, target, accept, context))
  return { reports, forgotten: await forgetExpired(app, context, accept) }
}
