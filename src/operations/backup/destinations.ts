import { Failure, toFailure } from '../../core/failure.ts'
import type { Commit, ManifestComponent } from '../../repository/documents/documents.ts'
import type { KnownCommits, PointContent, PointWriter } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import type { BackupOrder } from './order.ts'
import type { RepositoryOutcome } from './report.ts'
import { summarize } from './report.ts'

type Committing = Omit<PointContent, 'components' | 'configuration'> & { readonly file?: App['configuration'] }

/**
 * One repository that a running backup writes to. The first failure takes it out of the backup for good; the other
 * destinations go on, and the backup is `incomplete`.
 */
export class Destination {
  readonly target: AppRepository
  readonly #writer: PointWriter | undefined
  #failure: Failure | undefined
  #committed: Commit | undefined
  #storedBytes = 0
  #readBackMilliseconds = 0
  /** What the manifest of this repository says of each captured component. */
  readonly components: ManifestComponent[] = []

  constructor(target: AppRepository, writer: PointWriter | undefined, failure?: Failure) {
    this.target = target
    this.#writer = writer
    this.#failure = failure
  }

  /** The writer while this destination is good. */
  get writer(): PointWriter | undefined {
    return this.#failure === undefined ? this.#writer : undefined
  }

  get failure(): Failure | undefined {
    return this.#failure
  }

  fail(error: unknown): void {
    this.#failure ??= toFailure(error)
  }

  /** Says another next step than the failure itself. */
  advise(hint: string): void {
    if (this.#failure === undefined) return
    const { kind, message, facts } = this.#failure
    this.#failure = new Failure(kind, message, { facts, hint, cause: this.#failure })
  }

  /** Undefined until the point is there. */
  get committed(): Commit | undefined {
    return this.#committed
  }

  countStored(bytes: number, readBackMilliseconds: number): void {
    this.#storedBytes += bytes
    this.#readBackMilliseconds += readBackMilliseconds
  }

  async commit({ file, ...content }: Committing): Promise<void> {
    if (this.writer === undefined) return
    const configuration = file === undefined ? {} : { configuration: { repository: this.target.name, file } }
    try {
      this.#committed = (await this.writer.commit({ ...content, ...configuration, components: this.components })).commit
    } catch (error) {
      this.fail(error)
    }
  }

  /** Removes what was stored for a point that was not committed. */
  async abandonUnlessCommitted(): Promise<void> {
    if (this.#committed === undefined) await this.#writer?.abandon()
  }

  outcome(): RepositoryOutcome {
    return {
      name: this.target.name,
      location: this.target.location,
      outcome: this.#committed === undefined ? 'failed' : 'committed',
      storedBytes: this.#storedBytes,
      readBackMilliseconds: Math.round(this.#readBackMilliseconds),
      remarks: this.#writer?.repository.remarks ?? [],
      ...(this.#failure === undefined ? {} : { failure: summarize(this.#failure) }),
    }
  }
}

/** What this run has read of the chain of a repository, by its name. */
export type KnownOf = (repository: string) => KnownCommits

type Begun = Pick<BackupOrder, 'app' | 'point' | 'remarks' | 'note' | 'held'> & { readonly known: KnownOf | undefined }

/** Begins the point in every repository; one that cannot be opened is a failed destination. */
export async function openDestinations(
  app: App,
  plan: Begun,
  context: OperationContext,
): Promise<readonly Destination[]> {
  const destinations = await Promise.all(app.repositories.map((target) => openDestination(target, plan, context)))
  requireOne(destinations)
  return destinations
}

async function openDestination(
  target: AppRepository,
  { app, point, remarks = [], note, held, known }: Begun,
  context: OperationContext,
): Promise<Destination> {
  try {
    const repository = await target.open(context)
    const seen = known === undefined ? {} : { known: known(target.name) }
    const request = { app, point, recipients: target.recipients, remarks, note, held, ...seen }
    return new Destination(target, await repository.begin(request, context))
  } catch (error) {
    return new Destination(target, undefined, toFailure(error))
  }
}

/** Fails when no destination is left, and names each with its own failure. */
export function requireOne(destinations: readonly Destination[]): void {
  if (destinations.some(({ writer }) => writer !== undefined)) return
  throw allFailed(destinations)
}

/** The kind and the hint are those of the first; a single repository's failure says no more than it must. */
export function allFailed(destinations: readonly Destination[]): Failure {
  const [first] = destinations.flatMap(({ failure }) => failure ?? [])
  if (first === undefined) return new Failure('bug', 'a backup without destinations')
  if (first.kind === 'cancelled') return first
  const reasons = destinations.map(({ target, failure }) => `${target.name}: ${failure?.message ?? 'failed'}`)
  const what = reasons.length === 1 ? 'repository' : 'no repository could take the restore point:'
  const { kind, facts, hint } = first
  return new Failure(kind, `${what} ${reasons.join('; ')}`, {
    facts,
    cause: first.cause ?? first,
    ...(hint === undefined ? {} : { hint }),
  })
}
