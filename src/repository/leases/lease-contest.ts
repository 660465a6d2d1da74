import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { RepositoryState } from '../catalog/state.ts'

export interface SeenLease {
  readonly generation: number
  readonly isHeld: boolean
  readonly host: string
  readonly ttlMilliseconds: number
}

export interface Contest {
  readonly state: RepositoryState
  readonly scope: string
  readonly wait: boolean
  readonly newest: () => Promise<SeenLease | undefined>
}

/**
 * Resolves when a held lease was seen unchanged for its whole time-to-live, on our own monotonic clock: no clock of
 * another machine is believed. Fails with `locked` as soon as its holder shows that it is alive.
 */
export async function awaitExpiry(held: SeenLease, contest: Contest, context: Context): Promise<void> {
  if (!contest.wait) throw locked(held, contest)
  const { clock, signal } = context
  const begun = clock.monotonic()
  const seconds = Math.ceil(held.ttlMilliseconds / 1000)
  context.progress({
    type: 'note',
    message: `${held.host} holds ${contest.scope}; watching for up to ${seconds} s whether it is alive`,
  })
  for (let left = held.ttlMilliseconds; left > 0; left = held.ttlMilliseconds - (clock.monotonic() - begun)) {
    await clock.sleep(Math.min(left, contest.state.leaseTiming.pollMilliseconds), signal)
    const now = await contest.newest()
    if (now?.generation !== held.generation) throw locked(now ?? held, contest)
  }
}

function locked({ host, generation }: SeenLease, { scope, state }: Contest): Failure {
  return new Failure('locked', `${host} holds the exclusive right on ${scope} of ${state.storage.location}`, {
    hint: 'Wait until it has finished, then try again.',
    facts: { host, generation },
  })
}
