import { Failure, describe, isFailure } from '../../core/failure.ts'
import type { Clock, Context } from '../../core/ports.ts'
import { isBlobExists } from '../../storage/outcomes.ts'
import { randomHex } from '../../system/random.ts'
import { createBlob, namesOf } from '../points/blobs.ts'
import type { LeaseDocument } from '../documents/documents.ts'
import { signDocument } from '../documents/dsse.ts'
import { isPlainName, leaseGenerationOf, leaseName, leasePrefix } from '../names.ts'
import { awaitExpiry, type SeenLease } from './lease-contest.ts'
import type { Lease } from '../repository.ts'
import { readLease } from '../documents/signed.ts'
import { signerOf, type RepositoryState } from '../catalog/state.ts'

/** Releasing goes on when the operation was cancelled, but not for ever. */
const RELEASE_LIMIT = 30_000
const KEPT_GENERATIONS = 3

export interface LeaseOptions {
  /** Whether to watch a holder for as long as it takes to know that it is dead. Default true. */
  readonly wait?: boolean
}

/**
 * Takes the exclusive right on a scope. A holder that does not renew its lease is taken over after one time-to-live of
 * watching; fails with `locked` as soon as it shows life, or at once with `wait: false`.
 */
export async function takeLease(
  state: RepositoryState,
  scope: string,
  context: Context,
  options: LeaseOptions = {},
): Promise<Lease> {
  if (!isPlainName(scope)) throw new Failure('bug', `${scope} is no name for a lease`)
  signerOf(state)
  const seen = await newestLease(state, scope, context.signal)
  if (seen?.isHeld === true)
    await awaitExpiry(
      seen,
      { state, scope, wait: options.wait ?? true, newest: () => newestLease(state, scope, context.signal) },
      context,
    )
  const lease = new HeldLease(state, scope, context, seen?.generation ?? 0)
  await lease.take()
  return lease
}

/** The highest generation is the lease. One that cannot be read is taken to be held by somebody. */
async function newestLease(state: RepositoryState, scope: string, signal: AbortSignal): Promise<SeenLease | undefined> {
  const generations = await leaseGenerations(state, scope, signal)
  const generation = generations.at(-1)
  if (generation === undefined) return undefined
  try {
    const { host, ttlSeconds, state: lease } = await readLease(state, scope, generation, signal)
    return { generation, isHeld: lease === 'held', host, ttlMilliseconds: ttlSeconds * 1000 }
  } catch (error) {
    // It was tidied away by a holder that is renewing.
    if (isFailure(error, 'notFound'))
      return { generation, isHeld: true, host: 'another machine', ttlMilliseconds: state.leaseTiming.ttlMilliseconds }
    if (signal.aborted || isFailure(error, 'unreachable')) throw error
    const host = `an unknown machine (${describe(error)})`
    return { generation, isHeld: true, host, ttlMilliseconds: state.leaseTiming.ttlMilliseconds }
  }
}

async function leaseGenerations(
  state: RepositoryState,
  scope: string,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const names = await namesOf(state.storage, leasePrefix(scope), signal)
  return names.flatMap((name) => leaseGenerationOf(name, scope) ?? []).sort((a, b) => a - b)
}

/**
 * A lease that is ours until it is released or lost. It is renewed at a third of its time-to-live. At two thirds
 * without a renewal it is given up, while everybody else still believes it to be held: so its clock may run slow by a
 * third before two holders act at once.
 */
class HeldLease implements Lease {
  readonly #state: RepositoryState
  readonly #scope: string
  readonly #context: Context
  readonly #holder = randomHex(16)
  readonly #lost = new AbortController()
  readonly #stop = new AbortController()
  #generation: number
  /** Before the put that took or last renewed it: nobody can have seen that generation earlier. */
  #since: Instant
  #loops: Promise<unknown> = Promise.resolve()

  constructor(state: RepositoryState, scope: string, context: Context, generation: number) {
    this.#state = state
    this.#scope = scope
    this.#context = context
    this.#generation = generation
    this.#since = instant(context.clock)
  }

  get generation(): number {
    return this.#generation
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async take(): Promise<void> {
    try {
      await this.#advance('held', this.#context.signal)
    } catch (error) {
      if (!isBlobExists(error)) throw error
      throw new Failure(
        'locked',
        `another process took ${this.#scope} of ${this.#state.storage.location} at the same moment`,
        { cause: error },
      )
    }
    this.#loops = Promise.allSettled([this.#renewing(), this.#fencing()])
  }

  assertHeld(): void {
    if (this.#age() >= this.#fence) this.#lose('it could not be renewed in time')
    if (!this.#lost.signal.aborted && !this.#stop.signal.aborted) return
    throw new Failure(
      'locked',
      `the exclusive right on ${this.#scope} of ${this.#state.storage.location} was lost or given back`,
    )
  }

  async release(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    await this.#loops
    if (this.#lost.signal.aborted) return
    try {
      await this.#advance('released', AbortSignal.timeout(RELEASE_LIMIT))
    } catch (error) {
      // Others wait for one time-to-live instead; nothing else is wrong.
      this.#context.progress({ type: 'warning', message: `${this.#scope} could not be given back: ${describe(error)}` })
    }
  }

  get #ttl(): number {
    return this.#state.leaseTiming.ttlMilliseconds
  }

  get #fence(): number {
    return (this.#ttl * 2) / 3
  }

  #age(): number {
    return elapsed(this.#since, this.#context.clock)
  }

  async #renewing(): Promise<void> {
    for (let pause = this.#ttl / 3; !this.lost.aborted;) {
      await this.#sleep(pause)
      const renewed = await this.#renew()
      pause = renewed ? this.#ttl / 3 : this.#ttl / 12
    }
  }

  /** A storage that cannot be reached is asked again until the fence; a name that is taken means somebody took over. */
  async #renew(): Promise<boolean> {
    try {
      // Not ended by a release, which must know what the lease is before it can give it back.
      await this.#advance('held', AbortSignal.any([this.lost, AbortSignal.timeout(this.#fence)]))
      return true
    } catch (error) {
      if (isBlobExists(error)) this.#lose(`another process took it over: ${describe(error)}`)
      else
        this.#context.progress({ type: 'warning', message: `${this.#scope} could not be renewed: ${describe(error)}` })
      return false
    }
  }

  /** Apart from the renewals, one of which may hang. */
  async #fencing(): Promise<void> {
    for (let left = this.#fence - this.#age(); left > 0; left = this.#fence - this.#age()) await this.#sleep(left)
    this.#lose('it could not be renewed in time')
  }

  async #sleep(milliseconds: number): Promise<void> {
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([this.#stop.signal, this.lost]))
  }

  #lose(reason: string): void {
    if (!this.lost.aborted)
      this.#lost.abort(new Failure('locked', `the exclusive right on ${this.#scope} was lost: ${reason}`))
  }

  async #advance(lease: LeaseDocument['state'], signal: AbortSignal): Promise<void> {
    const { storage } = this.#state
    const since = instant(this.#context.clock)
    const generation = this.#generation + 1
    const bytes = signDocument('lease', this.#document(generation, lease), signerOf(this.#state))
    await createBlob(storage, leaseName(this.#scope, generation), bytes, signal)
    this.#generation = generation
    this.#since = since
    await this.#tidy(generation - KEPT_GENERATIONS, signal)
  }

  /** Older generations say nothing any more. That they cannot be removed is no reason to lose the lease. */
  async #tidy(upTo: number, signal: AbortSignal): Promise<void> {
    try {
      const old = (await leaseGenerations(this.#state, this.#scope, signal)).filter((generation) => generation <= upTo)
      for (const generation of old) await this.#state.storage.remove(leaseName(this.#scope, generation), signal)
    } catch (error) {
      if (!signal.aborted)
        this.#context.progress({
          type: 'warning',
          message: `old leases of ${this.#scope} could not be removed: ${describe(error)}`,
        })
    }
  }

  #document(generation: number, lease: LeaseDocument['state']): LeaseDocument {
    const created = this.#context.clock.now().toISOString()
    const { id, host } = this.#state
    return {
      format: 1,
      repository: id,
      scope: this.#scope,
      generation,
      holder: this.#holder,
      host,
      ttlSeconds: this.#ttl / 1000,
      state: lease,
      created,
    }
  }
}

interface Instant {
  readonly monotonic: number
  readonly wall: number
}

function instant(clock: Clock): Instant {
  return { monotonic: clock.monotonic(), wall: clock.now().getTime() }
}

/**
 * By the clock that went further: the monotonic one stands still while the machine sleeps, the other one may be set.
 * Too much only gives a lease up early.
 */
function elapsed(since: Instant, clock: Clock): number {
  return Math.max(clock.monotonic() - since.monotonic, clock.now().getTime() - since.wall)
}
