import { throwIfCancelled } from '../../core/cancelled.ts'
import { Failure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { PointId } from '../../core/restore-point.ts'
import { isWrongPassword } from '../../repository/keys/wrong-password.ts'
import type { Catalog, CatalogPoint, Repository } from '../../repository/repository.ts'
import type { App } from '../app.ts'
import { isImported } from '../import/remark.ts'
import { isSafetyPoint } from './safety-remark.ts'

/** Which restore point: the newest complete one that is neither a safety point nor imported, one by its id or the start of it, or the newest not after a time. */
export type PointChoice = { readonly latest: true } | { readonly id: string } | { readonly notAfter: Date }

export interface FoundPoint {
  readonly point: CatalogPoint
  readonly repository: Repository
  readonly repositoryName: string
}

/** `latest`, the start of an id (at least 6 digits), or a time such as `2026-11-22`, `2026-11-22T02:00Z`. */
export function parsePointChoice(text: string): PointChoice {
  if (text === 'latest') return { latest: true }
  if (/^[0-9a-f]{6,32}$/.test(text)) return { id: text }
  const time = new Date(text)
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time.getTime())) return { notAfter: time }
  throw new Failure('usage', `${JSON.stringify(text)} names no restore point`, {
    hint: 'Use latest, an id or at least its first 6 digits, or a time such as 2026-11-22T02:00Z.',
  })
}

/**
 * Finds a point of the app in its repositories, in their configured order: the first repository that has it wins. A
 * repository that cannot be opened is passed over with a warning as long as another one has the point.
 */
export async function findPoint(app: App, choice: PointChoice, context: Context): Promise<FoundPoint> {
  const candidates: FoundPoint[] = []
  const problems: Failure[] = []
  for (const target of app.repositories) {
    try {
      const repository = await target.open(context)
      const catalog = await repository.catalog(context)
      for (const alarm of catalog.alarms) context.progress({ type: 'warning', message: alarm })
      if (!('id' in choice)) warnOfDamaged(catalog, target.name, context)
      const point = choose(catalog, app.name, choice)
      if (point !== undefined) candidates.push({ point, repository, repositoryName: target.name })
    } catch (error) {
      throwIfCancelled(error, context.signal)
      if (!(error instanceof Failure) || error.kind === 'usage' || isWrongPassword(error)) throw error
      problems.push(error)
      context.progress({ type: 'warning', message: `repository ${target.name} is passed over: ${error.message}` })
    }
  }
  // A newer point in the second repository beats an older one in the first: "latest" means the latest there is.
  const best = candidates.toSorted((a, b) => byCreation(b.point, a.point))[0]
  if (best !== undefined) return best
  throw problems[0] ?? notFound(app, choice)
}

/** A damaged point may be the one that was meant: nobody can read whose it is, nor of when. */
function warnOfDamaged({ damaged }: Catalog, repository: string, { progress }: Context): void {
  for (const { point, message } of damaged)
    progress({ type: 'warning', message: `restore point ${point} in ${repository} is passed over: ${message}` })
}

/** The point that an order names, in the repository that it names. What its plan told of the repository is not told again. */
export async function findOrdered(
  app: App,
  order: { readonly point: PointId; readonly repository: string },
  context: Context,
): Promise<FoundPoint> {
  const [target] = fromRepository(app, order.repository).repositories
  if (target === undefined) throw new Failure('bug', `no repository ${order.repository}`)
  const repository = await target.open(context)
  const point = choose(await repository.catalog(context), app.name, { id: order.point })
  if (point === undefined) throw notFound(app, { id: order.point })
  return { point, repository, repositoryName: target.name }
}

/** The app as if this repository were its only one; all of them when there is no name. */
export function fromRepository(app: App, name: string | undefined): App {
  if (name === undefined) return app
  const chosen = app.repositories.filter((target) => target.name === name)
  if (chosen.length > 0) return { ...app, repositories: chosen }
  throw new Failure('usage', `app ${app.name} has no repository ${JSON.stringify(name)}`, {
    hint: `It has ${app.repositories.map((target) => target.name).join(', ')}.`,
  })
}

function byCreation(a: CatalogPoint, b: CatalogPoint): number {
  return a.commit.created.localeCompare(b.commit.created)
}

function choose(catalog: Catalog, app: string, choice: PointChoice): CatalogPoint | undefined {
  const points = catalog.points.filter(({ commit }) => commit.app === app)
  if ('id' in choice) return pointWithId(points, catalog, choice.id)
  const complete = points.filter(({ commit }) => commit.complete && !isSafetyPoint(commit) && !isImported(commit))
  if ('latest' in choice) return complete.at(-1)
  return complete.filter(({ commit }) => new Date(commit.created) <= choice.notAfter).at(-1)
}

function pointWithId(points: readonly CatalogPoint[], catalog: Catalog, id: string): CatalogPoint | undefined {
  const matching = points.filter(({ point }) => point.startsWith(id))
  if (matching.length > 1)
    throw new Failure('usage', `${id} is the start of ${matching.length} restore points`, {
      hint: 'Give more digits of the id.',
    })
  const damaged = catalog.damaged.find(({ point }) => point.startsWith(id))
  if (matching[0] === undefined && damaged !== undefined)
    throw new Failure(kindOf(damaged), `restore point ${damaged.point} cannot be used: ${damaged.message}`)
  return matching[0]
}

/** What could not be read may be good. */
function kindOf({ kind }: Catalog['damaged'][number]): FailureKind {
  return kind === 'unread' ? 'unreachable' : kind
}

function notFound(app: App, choice: PointChoice): Failure {
  const what =
    'id' in choice
      ? `restore point ${choice.id}`
      : 'latest' in choice
        ? 'complete restore point'
        : `complete restore point from before ${choice.notAfter.toISOString()}`
  return new Failure('notFound', `app ${app.name} has no ${what}`, {
    hint: `holdfast points ${app.name} lists what there is. Safety points and imported ones are named by their ids only.`,
  })
}
