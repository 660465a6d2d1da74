import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { openPoint } from '../source.ts'
import { findPoint, fromRepository, parsePointChoice, type FoundPoint } from './find-point.ts'

/** Which point of an app, and from where. */
export interface ChosenPoint {
  /** `latest` (the default), an id or its start, or a time. */
  readonly at?: string | undefined
  readonly repository?: string | undefined
}

/** Finds the point of an app that is chosen. */
export async function findChosenPoint(
  app: App,
  { at, repository }: ChosenPoint,
  context: OperationContext,
): Promise<FoundPoint> {
  return await findPoint(fromRepository(app, repository), parsePointChoice(at ?? 'latest'), context)
}

/** The same, opened. */
export async function openChosenPoint(
  app: App,
  chosen: ChosenPoint,
  context: OperationContext,
): Promise<{ readonly found: FoundPoint; readonly reader: PointReader }> {
  const found = await findChosenPoint(app, chosen, context)
  return { found, reader: await openPoint(found.repository, found.point.point, context) }
}
