import { z } from 'zod'
import { acceptedNames, ALARM, DAMAGED_POINT, FUTURE_POINT } from '../../core/accept-ids.ts'
import type { Repository } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { alarmOf } from './plan.ts'

const futurePoints = z.array(z.string())
const recordName = (app: App, repository: Repository): string => `accepted-dates-${app.name}-${repository.id}`

/** What was accepted for this run, and the dates that were accepted on this machine before. */
export async function allAccepted(
  app: App,
  repository: Repository,
  accepted: readonly string[],
  context: OperationContext,
): Promise<readonly string[]> {
  const parsed = futurePoints.safeParse(await context.records.load(recordName(app, repository)))
  return [...new Set([...accepted, ...(parsed.success ? parsed.data : [])])]
}

/** Remembers what is accepted once for all: dates in the future, and that points are gone. */
export async function rememberAccepted(
  app: App,
  repository: Repository,
  accepted: readonly string[],
  context: OperationContext,
): Promise<void> {
  if (acceptedNames(accepted, FUTURE_POINT).length > 0) {
    const all = await allAccepted(app, repository, accepted, context)
    const dates = all.filter((id) => id.startsWith(FUTURE_POINT))
    await context.records.save(recordName(app, repository), dates)
  }
  if (acceptedNames(accepted, ALARM).length === 0) return
  await repository.acknowledge((alarm) => accepted.includes(alarmOf(alarm).accept), context)
}

/** While a commit cannot be read nobody knows which data it needs: points may go, and no data may. */
export function allowsSweep(accepted: readonly string[]): boolean {
  return acceptedNames(accepted, DAMAGED_POINT).length === 0
}
