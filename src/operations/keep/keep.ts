import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe, Failure, isFailure } from '../../core/failure.ts'
import type { Catalog, Repository } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'

export interface KeepReport {
  readonly point: string
  readonly act: 'hold' | 'release' | 'undelete'
  readonly repositories: readonly string[]
}

/** Holds a point in every repository that has it, or releases it. */
export async function holdPoint(
  apps: readonly App[],
  id: string,
  act: 'hold' | 'release',
  context: OperationContext,
): Promise<KeepReport> {
  return await everywhere(apps, id, act, context, async (repository, catalog) => {
    const found = theOne(
      catalog.points.filter(({ point }) => point.startsWith(id)).map(({ point }) => point),
      id,
    )
    if (found !== undefined) await repository.prove(found, act, { ok: true, facts: {} }, context)
    return found
  })
}

/** Brings a removed point back in every repository that still has its data. */
export async function undeletePoint(apps: readonly App[], id: string, context: OperationContext): Promise<KeepReport> {
  return await everywhere(apps, id, 'undelete', context, async (repository, catalog) => {
    const found = theOne(
      catalog.removed.filter(({ point }) => point.startsWith(id)).map(({ point }) => point),
      id,
    )
    if (found !== undefined) await repository.undelete(found, context)
    return found
  })
}

type Act = (repository: Repository, catalog: Catalog) => Promise<string | undefined>

async function everywhere(
  apps: readonly App[],
  id: string,
  act: KeepReport['act'],
  context: OperationContext,
  each: Act,
): Promise<KeepReport> {
  if (!/^[0-9a-f]{6,32}$/.test(id))
    throw new Failure('usage', `${JSON.stringify(id)} is no restore point id`, {
      hint: 'Give the id or at least its first 6 digits.',
    })
  const targets = new Map(
    apps.flatMap(({ repositories }) => repositories.map((target) => [target.name, target] as const)),
  )
  const done: string[] = []
  let point: string | undefined
  for (const target of targets.values()) {
    const found = await inOne(target, context, each)
    if (found === undefined) continue
    point = found
    done.push(target.name)
  }
  if (point === undefined)
    throw new Failure('notFound', `no repository has ${act === 'undelete' ? 'a removed' : 'a'} restore point ${id}`)
  return { point, act, repositories: done }
}

async function inOne(target: AppRepository, context: OperationContext, each: Act): Promise<string | undefined> {
  try {
    const repository = await target.open(context)
    return await each(repository, await repository.catalog(context))
  } catch (error) {
    throwIfCancelled(error, context.signal)
    if (!isFailure(error, 'unreachable')) throw error
    context.progress({ type: 'warning', message: `repository ${target.name} is passed over: ${describe(error)}` })
    return undefined
  }
}

function theOne(points: readonly string[], id: string): string | undefined {
  if (points.length > 1)
    throw new Failure('usage', `${id} is the start of ${points.length} restore points`, {
      hint: 'Give more digits of the id.',
    })
  return points[0]
}
