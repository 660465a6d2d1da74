import { z } from 'zod'
import { restoreNames } from '../../src/components/postgres/names.ts'
import type { Bench } from '../bench.ts'
import { watchDatabase } from '../client.ts'
import { dropDatabase, prepareDatabase, settle } from '../database.ts'
import type { Measurement } from '../measurement.ts'
import { timeGoal } from '../measurement.ts'
import { makeProject } from '../project.ts'
import { each, median, repeat } from '../rounds.ts'

const LIMIT_SECONDS = 1
/** A client also waits until it is connected again. */
const HONEST_SECONDS = 0.25
const restored = z.object({ report: z.object({ restoreId: z.string(), downtimeMilliseconds: z.number() }) })

interface SwapRun {
  readonly silence: number
  readonly reported: number
}

/**
 * How long an application gets no answer while its database is restored: the longest silence that a client sees which
 * asks all the time. Beside it is what the restore itself reports, from the fence to the last reopen.
 */
export async function measureSwap(bench: Bench): Promise<Measurement> {
  const { megabytes, rounds } = bench.options
  const database = await prepareDatabase(bench, megabytes)
  const project = await makeProject(bench, 'swap', database)
  await project.run(['backup', 'bench', '--json'])
  const runs = await repeat(rounds, async (): Promise<SwapRun> => {
    await settle(bench)
    const watcher = await watchDatabase(bench, database)
    const run = await project.run(['restore', 'bench', '--no-safety-point', '--yes', '--json'])
    const { longest } = await watcher.stop()
    const { restoreId, downtimeMilliseconds } = reportOf(run.stdout)
    await project.run(['undo', 'bench', '--yes', '--json'])
    await dropDatabase(bench, restoreNames(database, restoreId).undone)
    return { silence: longest, reported: downtimeMilliseconds / 1000 }
  })
  const measurement = {
    work: `downtime of a swap at ${megabytes} MB`,
    ours: 'the longest silence a client sees during holdfast restore',
    peer: undefined,
    oursSeconds: median(each(runs, ({ silence }) => silence)),
    peerSeconds: undefined,
    peakRssMib: undefined,
    toolsPeakRssMib: undefined,
    peerPeakRssMib: undefined,
    goals: [],
  }
  const reported = median(each(runs, (run) => run.reported))
  const honest = {
    text: `within ${HONEST_SECONDS} s of the ${reported.toFixed(3)} s that the restore reports`,
    met: measurement.oursSeconds - reported < HONEST_SECONDS,
  }
  return { ...measurement, goals: [timeGoal(measurement, LIMIT_SECONDS), honest] }
}

function reportOf(stdout: string): z.infer<typeof restored>['report'] {
  const parsed: unknown = JSON.parse(stdout)
  return restored.parse(parsed).report
}
