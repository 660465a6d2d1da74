import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe, isFailure } from '../../core/failure.ts'
import type { App, AppRepository, OperationContext } from '../../operations/app.ts'
import type { CatalogPoint, KnownCommits } from '../../repository/repository.ts'
import type { BackupReport } from '../../operations/backup/report.ts'
import { holdIn } from '../../operations/import/import.ts'
import { fileRemark, KLEIDIA_REMARK } from '../../operations/import/remark.ts'

/** Which files are restore points of an app already, in which of its repositories. By the file's SHA-256, whatever it is called. */
export class ImportedBefore {
  /** By repository, then by remark of the file. None of a repository that could not be read. */
  readonly #points: Map<string, Map<string, string>>

  /** By repository: so that the chain is not read anew for each of many files. */
  readonly #commits = new Map<string, KnownCommits>()

  private constructor(points: Map<string, Map<string, string>>) {
    this.#points = points
  }

  static async read(app: App, context: OperationContext): Promise<ImportedBefore> {
    const points = new Map<string, Map<string, string>>()
    for (const target of app.repositories) {
      const found = await importedIn(target, app.name, context)
      if (found !== undefined) points.set(target.name, found)
    }
    return new ImportedBefore(points)
  }

  pointOf(sha256: string): string | undefined {
    for (const found of this.#points.values()) if (found.has(fileRemark(sha256))) return found.get(fileRemark(sha256))
    return undefined
  }

  /** The repositories that take the file. When those that could be read all have it, none. */
  lacking(sha256: string, app: App): readonly AppRepository[] {
    const has = (name: string): boolean => this.#points.get(name)?.has(fileRemark(sha256)) === true
    const readable = app.repositories.filter(({ name }) => this.#points.has(name))
    if (readable.length > 0 && readable.every(({ name }) => has(name))) return []
    return app.repositories.filter(({ name }) => !has(name))
  }

  commitsOf(repository: string): KnownCommits {
    const commits: KnownCommits = this.#commits.get(repository) ?? new Map()
    this.#commits.set(repository, commits)
    return commits
  }

  add(sha256: string, { point, repositories }: Pick<BackupReport, 'point' | 'repositories'>): void {
    for (const { name, outcome } of repositories)
      if (outcome === 'committed') this.#points.get(name)?.set(fileRemark(sha256), point)
  }
}

/** A run that died between commit and hold. What somebody released had a hold before. */
function wasNeverHeld({ proofs }: CatalogPoint): boolean {
  return !proofs.some(({ kind }) => kind === 'hold')
}

async function importedIn(
  target: AppRepository,
  app: string,
  context: OperationContext,
): Promise<Map<string, string> | undefined> {
  try {
    const { points } = await (await target.open(context)).catalog(context)
    const imported = points.filter(({ commit }) => commit.app === app && commit.remarks.includes(KLEIDIA_REMARK))
    for (const { point } of imported.filter(wasNeverHeld)) await holdIn(target, point, context)
    return new Map(imported.flatMap(({ point, commit }) => commit.remarks.map((remark) => [remark, point] as const)))
  } catch (error) {
    throwIfCancelled(error, context.signal)
    if (!isFailure(error, 'unreachable')) throw error
    context.progress({ type: 'warning', message: `repository ${target.name} is passed over: ${describe(error)}` })
    return undefined
  }
}
