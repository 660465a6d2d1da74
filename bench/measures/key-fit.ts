import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../bench.ts'
import type { Place } from '../bench.ts'
import { runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { measurementOf, peakGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { repeat } from '../rounds.ts'
import type { Side } from '../rounds.ts'

/**
 * How long it takes to prove that a key opens values of certctl, each of which is stretched 600,000 times, next to the bare
 * derivations one after the other; and one derivation of each Argon2id that there is. Start of the runtime included. The
 * long ones have no warm-up.
 */
export async function measureKeyFit(place: Place): Promise<readonly Measurement[]> {
  const { rows } = place.options
  const labels = { work: `prove ${rows} values of certctl`, ours: 'key fit certctl', peer: 'PBKDF2, one by one' }
  const [ours, peer] = [await roundsOf(place, 'prove'), await roundsOf(place, 'bare')]
  const proven = measurementOf(labels, ours, peer)
  const [identity, kleidia] = [await argon(place, 'identity'), await argon(place, 'kleidia')]
  return [
    { ...proven, goals: [peakGoal(proven)] },
    measurementOf({ work: 'Argon2id of an identity, t=3 256 MiB p=4', ours: 'one derivation' }, identity),
    measurementOf({ work: 'Argon2id of KLEIDIA_BACKUP_V1, t=3 64 MiB p=4', ours: 'one derivation' }, kleidia),
  ]
}

async function roundsOf(place: Place, act: string): Promise<Side<ChildRun>> {
  const first = await run(place, act)
  const rest: ChildRun[] = []
  for (let number = 2; number <= place.options.rounds; number += 1) rest.push(await run(place, act))
  return [first, ...rest]
}

function argon(place: Place, act: string): Promise<Side<ChildRun>> {
  return repeat(Math.max(3, place.options.rounds), () => run(place, act))
}

/** With as many threads as bin/holdfast gives itself. */
function run({ options, context }: Place, act: string): Promise<ChildRun> {
  return runMeasured({
    file: process.execPath,
    args: [join(projectRoot, 'bench', 'derive-keys.ts'), act, String(options.rows)],
    environment: { UV_THREADPOOL_SIZE: String(Math.max(4, 2 * availableParallelism())) },
    signal: context.signal,
  })
}
