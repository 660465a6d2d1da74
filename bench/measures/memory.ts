import type { Bench } from '../bench.ts'
import { prepareDatabase, settle } from '../database.ts'
import { measurementOf, peakGoal } from '../measurement.ts'
import type { Goal, Measurement } from '../measurement.ts'
import { makeProject } from '../project.ts'

const SMALL = 200
/** Unless a larger one is asked for. */
const LARGE = 2000
/** How far apart the peaks of two runs of the same work are on an idle machine, in MiB. */
const NOISE_MIB = 32

/** One backup each of a small and a large database: the peak must not grow with the size. */
export async function measureMemory(bench: Bench): Promise<readonly Measurement[]> {
  const largest = Math.max(LARGE, bench.options.megabytes)
  const [small, large] = [await backupOnce(bench, SMALL), await backupOnce(bench, largest)]
  return [
    { ...small, goals: [peakGoal(small)] },
    { ...large, goals: [peakGoal(large), sameGoal(small, large)] },
  ]
}

async function backupOnce(bench: Bench, megabytes: number): Promise<Measurement> {
  const project = await makeProject(bench, `memory-${megabytes}`, await prepareDatabase(bench, megabytes))
  await settle(bench)
  const run = await project.run(['backup', 'bench', '--json'])
  return measurementOf({ work: `memory of a backup of ${megabytes} MB`, ours: 'holdfast backup' }, [run])
}

function sameGoal({ peakRssMib: small }: Measurement, { peakRssMib: large }: Measurement): Goal {
  const text = `within ${NOISE_MIB} MiB of the peak for ${SMALL} MB`
  return { text, met: small === undefined || large === undefined ? undefined : large - small < NOISE_MIB }
}
