import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { TruthState } from '../../core/restore-point.ts'
import { isWrongPassword } from '../../repository/keys/wrong-password.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import type { App, AppRepository } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { standingOf } from '../proof/standing.ts'

export interface PointSummary {
  readonly point: string
  readonly app: string
  readonly created: string
  readonly sequence: number
  readonly complete: boolean
  readonly truth: TruthState
  /** When the truth state was reached, and by what. */
  readonly truthAt: string
  /** A verify or drill of this point failed, in any repository, and nothing as thorough has passed there since. */
  readonly failedProof: string | null
  /** When a drill brought back all that the point holds, although it lacks something; such a point is never `restored`. */
  readonly restoredInPart: string | null
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
  /** What could not be read: a repository, whose points are not in the list then, or proofs in it. */
  readonly unread: readonly { readonly repository: string; readonly message: string }[]
}

/**
 * Every restore point of these apps in all their repositories; a point in several is one line. Fails where nothing can be
 * said: with `denied` for a wrong password, with `usage` where there is none to be had.
 */
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
      alarms: catalog.alarms.filter((one) => !catalog.unread.includes(one)).map((alarm) => `${repository}: ${alarm}`),
      unread: catalog.unread.map((message) => ({ repository, message })),
    }
  } catch (error) {
    throwIfCancelled(error, context.signal)
    // Nobody can say what is there: that is no list with something missing.
    if (isFailure(error, 'usage') || isWrongPassword(error)) throw error
    return { points: [], damaged: [], removed: [], alarms: [], unread: [{ repository, message: describe(error) }] }
  }
}

export function summaryOf({ point, commit, proofs, held }: CatalogPoint, repository: string): PointSummary {
  const { failed, restored, restoredInPart } = standingOf(commit, proofs)
  return {
    point,
    app: commit.app,
    created: commit.created,
    sequence: commit.sequence,
    complete: commit.complete,
    truth: restored === undefined ? 'read back' : 'restored',
    truthAt: restored?.created ?? commit.created,
    failedProof: failed === undefined ? null : `${failed.kind} of ${failed.created} failed`,
    restoredInPart: restoredInPart?.created ?? null,
    held,
    storedBytes: commit.artifacts.reduce((sum, { size }) => sum + size, commit.manifest.size),
    repositories: [repository],
    remarks: commit.remarks,
    ...noteOf(commit),
  }
}

function merge(points: readonly PointSummary[]): PointSummary[] {
  const merged = [...Map.groupBy(points, ({ point }) => point).values()].map(mergeCopies)
  return merged.toSorted((a, b) =>
    a.created === b.created ? a.sequence - b.sequence : a.created.localeCompare(b.created),
  )
}

/** A point in several repositories: the strongest proof of any, and every failed one, as each copy has bytes of its own. */
function mergeCopies(copies: readonly PointSummary[]): PointSummary {
  // Groups have at least one member.
  const [first, ...others] = copies as [PointSummary, ...PointSummary[]]
  if (others.length === 0) return first
  const failed = copies.flatMap(({ failedProof, repositories }) =>
    failedProof === null ? [] : [`${failedProof} in ${repositories.join(', ')}`],
  )
  return {
    ...(copies.findLast(({ truth }) => truth === 'restored') ?? first),
    held: copies.some(({ held }) => held),
    failedProof: failed.length === 0 ? null : failed.join(', '),
    restoredInPart: copies.findLast(({ restoredInPart }) => restoredInPart !== null)?.restoredInPart ?? null,
    repositories: copies.flatMap(({ repositories }) => repositories),
  }
}
