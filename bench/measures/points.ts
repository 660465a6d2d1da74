import type { Bench } from '../bench.ts'
import { prepareDatabase } from '../database.ts'
import { measurementOf, timeGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { addPoints, requirePoints } from '../many-points.ts'
import { makeProject } from '../project.ts'
import { repeat } from '../rounds.ts'

const POINTS = 1000
const ROUNDS = 5
const LIMIT_SECONDS = 0.5
const SMALLEST_DATABASE = 1

/** Listing reads every commit and checks every signature; runtime start included. */
export async function measurePoints(bench: Bench): Promise<Measurement> {
  // The points that are added are files.
  const project = await makeProject(
    { ...bench, s3: undefined },
    'points',
    await prepareDatabase(bench, SMALLEST_DATABASE),
  )
  await project.run(['backup', 'bench', '--json'])
  await addPoints(project, POINTS - 1)
  const runs = await repeat(ROUNDS, async () => {
    const run = await project.run(['points', '--json'])
    requirePoints(run.stdout, POINTS)
    return run
  })
  const measurement = measurementOf({ work: `list ${POINTS} restore points`, ours: 'holdfast points' }, runs)
  return { ...measurement, goals: [timeGoal(measurement, LIMIT_SECONDS)] }
}
