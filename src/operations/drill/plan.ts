import type { AcceptId } from '../../core/accept-ids.ts'
import type { App, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { findChosenPoint, type ChosenPoint } from '../points/open-chosen-point.ts'
import type { DrillOrder } from './order.ts'

/** An order, and what people should know before it runs. */
export interface DrillPlan extends DrillOrder {
  readonly pointCreated: string
  readonly note?: string
}

export interface DrillRequest extends ChosenPoint {
  /** `scratch` by default. */
  readonly where?: DrillOrder['where'] | undefined
  readonly accept?: readonly AcceptId[] | undefined
}

/** Chooses the point; changes nothing. The point is not opened: one that cannot be is what a drill finds out. */
export async function planDrill(app: App, request: DrillRequest, context: OperationContext): Promise<DrillPlan> {
  const { where = 'scratch', accept } = request
  const { point, repositoryName } = await findChosenPoint(app, request, context)
  return {
    drillId: context.newId().slice(-8),
    app: app.name,
    point: point.point,
    repository: repositoryName,
    where,
    ...(accept === undefined ? {} : { accept }),
    pointCreated: point.commit.created,
    ...noteOf(point.commit),
  }
}
