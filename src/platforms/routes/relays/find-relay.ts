import { toFailure } from '../../../core/failure.ts'
import { throwIfCancelled } from '../../../core/cancelled.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import { candidates, type Candidate, type Relay } from './relays.ts'
import type { Door } from '../route.ts'
import { within } from '../within.ts'

export interface RelaySearch {
  readonly relay: Relay | undefined
  /** Of each program that was asked and is no relay here, why. */
  readonly passedOver: readonly string[]
}

const PROBE_LIMIT = 15_000
const PRINTED_KEPT = 16_384

/** The first program inside that can be a relay to this door. Each candidate is run once, to print of itself. Fails where nothing can be run at all. */
export async function findRelay(place: Place, door: Door, context: Context): Promise<RelaySearch> {
  const passedOver: string[] = []
  for (const candidate of candidates) {
    const found = await ask(place, candidate, door, context)
    if (typeof found !== 'string') return { relay: found, passedOver }
    passedOver.push(`${candidate.program}: ${found}`)
  }
  return { relay: undefined, passedOver }
}

/** The relay, or why there is none. */
async function ask(place: Place, candidate: Candidate, door: Door, context: Context): Promise<Relay | string> {
  try {
    const { code, printed } = await within(PROBE_LIMIT, candidate.program, context, (limited) =>
      runProbe(place, candidate, limited),
    )
    const relay = candidate.relay(code, printed)
    if (relay === undefined) return 'is not of a kind that can be used'
    return relay.argv(door) === undefined ? 'cannot reach unix sockets' : relay
  } catch (error) {
    throwIfCancelled(error, context.signal)
    const failure = toFailure(error)
    // Anything else holds for every program: exec is forbidden, or the place is gone.
    if (failure.kind === 'notFound') return 'is not there'
    throw failure
  }
}

async function runProbe(
  place: Place,
  { probe }: Candidate,
  context: Context,
): Promise<{ code: number; printed: string }> {
  const program = await place.start(probe, context)
  program.stdin.end()
  let printed = ''
  program.stdout.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString('latin1')).slice(0, PRINTED_KEPT)
  })
  try {
    const code = await program.ended
    return { code, printed: `${printed}\n${program.stderr()}` }
  } finally {
    program.stop()
  }
}
