import type { Effects } from '../../core/ports.ts'
import type { App } from '../app.ts'
import type { RestoreOrder } from '../restore/order.ts'
import type { RestoreReport } from '../restore/report.ts'
import { runRestore } from '../restore/run.ts'
import type { TestHost } from './test-host.ts'

/** What a test says of its restore; a swap without a safety point where it says nothing. */
type Ordered = Pick<RestoreOrder, 'restoreId' | 'point'> & Partial<RestoreOrder>

/** Restores a point of a workshop's first repository as the command does, by an order that no preflight was asked for. */
export async function restoreIn(
  testHost: TestHost,
  app: App,
  ordered: Ordered,
  effects?: Effects,
): Promise<RestoreReport> {
  const usual = { app: app.name, repository: 'repository-0', mode: 'swap', safetyPoint: false } as const
  return (await runRestore(app, { ...usual, ...ordered }, testHost.context(effects))).report
}
