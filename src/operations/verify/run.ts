import type { App, OperationContext } from '../app.ts'
import { findOrdered } from '../points/find-point.ts'
import { executeVerify, type VerifyReport } from './execute.ts'
import type { VerifyOrder } from './order.ts'

/** Reads the point as ordered and signs what was found. `app` is the one that the order names. */
export async function runVerify(app: App, order: VerifyOrder, context: OperationContext): Promise<VerifyReport> {
  const { repository, point } = await findOrdered(app, order, context)
  const drivers = [...new Set(app.components.map(({ driver }) => driver))]
  return await executeVerify(repository, point, { sample: order.sample, drivers }, context)
}
