import { describe, Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { PointId } from '../../core/restore-point.ts'
import type { Catalog, CatalogPoint, Identity, Repository } from '../../repository/repository.ts'
import type { PointChoice } from './find-point.ts'

/** The configuration that one restore point carries. */
export interface CarriedConfiguration {
  readonly app: string
  readonly point: PointId
  readonly created: string
  /** What the repository that it was read from is called in it. */
  readonly repository: string
  readonly file: Readonly<Record<string, unknown>>
}

/**
 * The configuration of each app that has points in a repository: of the newest that can be read and carries one, or of what was
 * chosen. The newest first. Any point will do, also one that is incomplete. Fails with `notFound` when none carries one.
 */
export async function carriedConfigurations(
  repository: Repository,
  identities: readonly Identity[],
  choice: PointChoice,
  context: Context,
): Promise<readonly CarriedConfiguration[]> {
  const catalog = await repository.catalog(context)
  for (const message of warningsOf(catalog)) context.progress({ type: 'warning', message })
  const candidates = catalog.points.filter((point) => isChosen(point, choice)).toReversed()
  const apps = [...new Set(candidates.map(({ commit }) => commit.app))]
  const found = []
  for (const app of apps) {
    const points = candidates.filter(({ commit }) => commit.app === app)
    found.push(await newestCarried(repository, points, identities, context))
  }
  const carried = found.filter((one) => one !== undefined)
  if (carried.length > 0) return carried
  throw new Failure(
    'notFound',
    `no restore point in ${repository.location} that was asked for carries a configuration`,
    {
      hint: 'Older points and imported ones have none. Choose another with --at, or write holdfast.yaml by hand.',
    },
  )
}

function warningsOf({ damaged, alarms }: Catalog): readonly string[] {
  return [...damaged.map(({ point, message }) => `restore point ${point} is passed over: ${message}`), ...alarms]
}

function isChosen({ point, commit }: CatalogPoint, choice: PointChoice): boolean {
  if ('id' in choice) return point.startsWith(choice.id)
  return 'latest' in choice || new Date(commit.created) <= choice.notAfter
}

async function newestCarried(
  repository: Repository,
  points: readonly CatalogPoint[],
  identities: readonly Identity[],
  context: Context,
): Promise<CarriedConfiguration | undefined> {
  for (const { point, commit } of points) {
    try {
      const { manifest } = await repository.open(point, identities, context)
      if (manifest.configuration === undefined) continue
      return { app: commit.app, point, created: commit.created, ...manifest.configuration }
    } catch (error) {
      if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
      context.progress({ type: 'warning', message: `restore point ${point} is passed over: ${describe(error)}` })
    }
  }
  return undefined
}
