import type { App, OperationContext } from '../operations/app.ts'
import { findPoint, fromRepository, parsePointChoice, type FoundPoint } from '../operations/points/find-point.ts'
import { openPoint } from '../operations/source.ts'

/** `--at` and `--repository` of a command. */
export interface ChosenPoint {
  readonly at?: string
  readonly repository?: string
}

/** The point of an app that the options choose, the latest without them; opened. */
export async function openChosenPoint(
  app: App,
  { at, repository }: ChosenPoint,
  context: OperationContext,
): Promise<{ readonly found: FoundPoint; readonly reader: Awaited<ReturnType<typeof openPoint>> }> {
  const found = await findPoint(fromRepository(app, repository), parsePointChoice(at ?? 'latest'), context)
  return { found, reader: await openPoint(found.repository, found.point.point, context) }
}
