import { runMeasured } from '../child.ts'
import { measurementOf, timeGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { HOLDFAST } from '../project.ts'
import { repeat } from '../rounds.ts'

const ROUNDS = 9
const LIMIT_SECONDS = 0.15

/** How long a person waits for the first sign of life, launcher included. */
export async function measureHelp(signal: AbortSignal): Promise<Measurement> {
  const runs = await repeat(ROUNDS, () => runMeasured({ file: HOLDFAST, args: ['--help'], signal }))
  const measurement = measurementOf({ work: 'print the help', ours: 'holdfast --help' }, runs)
  return { ...measurement, goals: [timeGoal(measurement, LIMIT_SECONDS)] }
}
