import { describe, Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { TruthState } from '../../core/restore-point.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import type { App, AppRepository } from '../app.ts'

export interface PointSummary {
  readonly point: string
  readonly app: string
  readonly created: string
  readonly sequence: number
  readonly complete: boolean
  readonly truth: TruthState
  /** When the truth state was reached, and by what. */
  readonly truthAt: string
  /** The last verify or drill of this point failed. */
  readonly failedProof: string | null
  readonly held: boolean
  readonly storedBytes: number
  readonly repositories: readonly string[]
  readonly remarks: readonly string[]
  /** What somebody said of it when it was made. */
  readonly note?: string
}

export interface PointsReport {
  readonly points: readonly PointSummary[]
  readonly damaged: readonly {
    readonly repository: string
    readonly point: string
    readonly kind: string
    readonly message: string
  }[]
  readonly removed: readonly {
    readonly repository: string
    readonly point: string
    readonly until: string
    readonly reason: string
  }[]
  readonly alarms: readonly string[]
  /** Repositories that could not be read; the list is incomplete then. */
  readonly unread: readonly { readonly repository: string; readonly message: string }[]
}

/** Every restore point of these apps in all their repositories; a point in several is one line. */
export async function listPoints(apps: readonly App[], context: Context): Promise<PointsReport> {
  const repositories = new Map(apps.flatMap((app) => app.repositories.map((target) => [target.name, target] as const)))
  const names = new Set(apps.map(({ name }) => name))
  const parts = await Promise.all([...repositories.values()].map((target) => readOne(target, names, context)))
  return {
    points: merge(parts.flatMap(({ points }) => points)),
    damaged: parts.flatMap(({ damaged }) => damaged),
    removed: parts.flatMap(({ removed }) => removed),
    alarms: parts.flatMap(({ alarms }) => alarms),
    unread: parts.flatMap(({ unread }) => unread),
  }
}

async function readOne(target: AppRepository, apps: ReadonlySet<string>, context: Context): Promise<PointsReport> {
  const repository = target.name
  try {
    const catalog = await (await target.open(context)).catalog(context)
    return {
      points: catalog.points.filter(({ commit }) => apps.has(commit.app)).map((point) => summaryOf(point, repository)),
      damaged: catalog.damaged.map((damaged) => ({ repository, ...damaged })),
      removed: catalog.removed.map(({ point, until, reason }) => ({ repository, point, until, reason })),
      alarms: catalog.alarms.map((alarm) => `${repository}: ${alarm}`),
      unread: [],
    }
  } catch (error) {
    if (error instanceof Failure && error.kind === 'cancelled') throw error
    return { points: [], damaged: [], removed: [], alarms: [], unread: [{ repository, message: describe(error) }] }
  }
}

export function summaryOf({ point, commit, proofs, held }: CatalogPoint, repository: string): PointSummary {
  const drills = proofs.filter(({ kind }) => kind === 'drill')
  const restored = drills.findLast(({ ok }) => ok)
  const last = proofs.findLast(({ kind }) => kind === 'drill' || kind === 'verify')
  return {
    point,
    app: commit.app,
    created: commit.created,
    sequence: commit.sequence,
    complete: commit.complete,
    truth: restored === undefined ? 'read back' : 'restored',
    truthAt: restored?.created ?? commit.created,
    failedProof: last !== undefined && !last.ok ? `${last.kind} of ${last.created} failed` : null,
    held,
    storedBytes: commit.artifacts.reduce((sum, { size }) => sum + size, commit.manifest.size),
    repositories: [repository],
    remarks: commit.remarks,
    ...(commit.note === undefined ? {} : { note: commit.note }),
  }
}

function merge(points: readonly PointSummary[]): PointSummary[] {
  const merged = new Map<string, PointSummary>()
  for (const point of points) {
    const other = merged.get(point.point)
    merged.set(
      point.point,
      other === undefined
        ? point
        : {
            ...strongest(other, point),
            held: other.held || point.held,
            repositories: [...other.repositories, ...point.repositories],
          },
    )
  }
  return [...merged.values()].toSorted((a, b) =>
    a.created === b.created ? a.sequence - b.sequence : a.created.localeCompare(b.created),
  )
}

function strongest(a: PointSummary, b: PointSummary): PointSummary {
  return b.truth === 'restored' ? b : a
}
