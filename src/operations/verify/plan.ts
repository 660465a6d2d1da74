import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { fromRepository } from '../points/find-point.ts'
import { findInApps } from '../points/show-point.ts'
import type { VerifyOrder } from './order.ts'

/** An order, and what people should know before it runs. */
export interface VerifyPlan extends VerifyOrder {
  readonly pointCreated: string
  readonly note?: string
}

export interface VerifyRequest {
  /** `latest`, an id or its start, or a time. */
  readonly choice: string
  readonly app?: string | undefined
  /** Reads from this repository only. */
  readonly repository?: string | undefined
  /** The share of artifacts to read; all by default. */
  readonly sample?: number | undefined
}

/** Chooses the point; changes nothing. The point is not opened: one that cannot be is what a verify finds out. */
export async function planVerify(
  apps: readonly App[],
  { choice, app, repository, sample = 1 }: VerifyRequest,
  context: OperationContext,
): Promise<VerifyPlan> {
  const { point, repositoryName } = await findInApps(withRepository(apps, repository), choice, app, context)
  return {
    verifyId: context.newId(),
    app: point.commit.app,
    point: point.point,
    repository: repositoryName,
    sample,
    pointCreated: point.commit.created,
    ...noteOf(point.commit),
  }
}

/** The apps that have the repository, as if it were their only one. */
function withRepository(apps: readonly App[], name: string | undefined): readonly App[] {
  if (name === undefined) return apps
  const having = apps.filter((one) => one.repositories.some((target) => target.name === name))
  if (having.length === 0) throw new Failure('usage', `no app has a repository ${JSON.stringify(name)}`)
  return having.map((one) => fromRepository(one, name))
}
