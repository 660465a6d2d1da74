import { z } from 'zod'
import { describe, isFailure } from '../../core/failure.ts'
import type { PointId } from '../../core/restore-point.ts'
import type { Manifest } from '../../repository/documents/documents.ts'
import type { Repository } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { openPoint } from '../source.ts'
import { IMPORT_REMARK } from './remark.ts'

const noted = z.record(z.string(), z.array(z.string()))
const imported = z.object({ imported: z.object({ sha256: z.string() }) })

/**
 * Which dumps are restore points of an app already, by the SHA-256 of the dump. The hash is under encryption, as a dump that
 * somebody else has could be recognized by it: this machine keeps a list, and points of other machines are opened.
 */
export class DumpsBefore {
  readonly #app: App
  readonly #context: OperationContext
  /** By hash: the points that it became, or was to become when the process died. */
  readonly #noted: Map<string, readonly PointId[]>
  /** By repository; none of one that could not be read. */
  readonly #there: ReadonlyMap<string, ReadonlySet<PointId>>

  private constructor(
    app: App,
    context: OperationContext,
    known: Map<string, readonly PointId[]>,
    there: ReadonlyMap<string, ReadonlySet<PointId>>,
  ) {
    this.#app = app
    this.#context = context
    this.#noted = known
    this.#there = there
  }

  static async read(app: App, context: OperationContext): Promise<DumpsBefore> {
    const parsed = noted.safeParse(await context.records.load(recordOf(app)))
    const known = new Map(Object.entries(parsed.success ? parsed.data : {}))
    const there = new Map<string, ReadonlySet<PointId>>()
    for (const target of app.repositories) await lookInto(target, app, { known, there }, context)
    return new DumpsBefore(app, context, known, there)
  }

  pointOf(sha256: string): PointId | undefined {
    const points = this.#noted.get(sha256) ?? []
    return points.find((point) => [...this.#there.values()].some((there) => there.has(point)))
  }

  /** The repositories that take the dump. When those that could be read all have it, none. */
  lacking(sha256: string): readonly AppRepository[] {
    const points = this.#noted.get(sha256) ?? []
    const has = ({ name }: AppRepository): boolean => points.some((point) => this.#there.get(name)?.has(point) === true)
    const readable = this.#app.repositories.filter(({ name }) => this.#there.has(name))
    if (readable.length > 0 && readable.every(has)) return []
    return this.#app.repositories.filter((target) => !has(target))
  }

  /** Before the point is made: one that was committed by a process that died then is known. */
  async note(sha256: string, point: PointId): Promise<void> {
    this.#noted.set(sha256, [...(this.#noted.get(sha256) ?? []), point])
    await this.#context.records.save(recordOf(this.#app), Object.fromEntries(this.#noted))
  }
}

function recordOf({ name }: App): string {
  return `imported-${name}`
}

interface Seen {
  readonly known: Map<string, readonly PointId[]>
  readonly there: Map<string, ReadonlySet<PointId>>
}

async function lookInto(
  target: AppRepository,
  app: App,
  { known, there }: Seen,
  context: OperationContext,
): Promise<void> {
  try {
    const repository = await target.open(context)
    const { points } = await repository.catalog(context)
    const ours = points.filter(({ commit }) => commit.app === app.name && commit.remarks.includes(IMPORT_REMARK))
    there.set(target.name, new Set(ours.map(({ point }) => point)))
    const noted = new Set([...known.values()].flat())
    const unknown = ours.map(({ point }) => point).filter((point) => !noted.has(point))
    if (unknown.length > 0) await openAll(repository, unknown, known, context)
  } catch (error) {
    if (!isFailure(error, 'unreachable')) throw error
    context.progress({ type: 'warning', message: `repository ${target.name} is passed over: ${describe(error)}` })
  }
}

async function openAll(
  repository: Repository,
  points: readonly PointId[],
  known: Seen['known'],
  context: OperationContext,
): Promise<void> {
  try {
    for (const point of points)
      for (const sha256 of hashesOf((await openPoint(repository, point, context)).manifest))
        known.set(sha256, [...(known.get(sha256) ?? []), point])
  } catch (error) {
    if (context.signal.aborted) throw error
    const message = `which dumps other machines imported is not known, and these may be imported again: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}

function hashesOf({ components }: Manifest): readonly string[] {
  return components.flatMap(({ details }) => {
    const parsed = imported.safeParse(details)
    return parsed.success ? [parsed.data.imported.sha256] : []
  })
}
