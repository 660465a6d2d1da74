import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { dropDatabase, prepareDatabase, settle } from '../database.ts'
import { makeLoad, underLoad } from '../load.ts'
import { ratioGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { runPeer } from '../peer.ts'
import { makeProject } from '../project.ts'
import { alternate, each, median } from '../rounds.ts'

const TRANSACTIONS = 1000

/** What an application still gets done on the server while a backup runs: how long its transactions take beside each side. */
export async function measureLoad(bench: Bench): Promise<Measurement> {
  const { megabytes, rounds } = bench.options
  const database = await prepareDatabase(bench, megabytes)
  const project = await makeProject(bench, 'load', database)
  const dump = join(bench.folder, 'load.dump')
  await makeLoad(bench)
  const runs = await alternate(
    rounds,
    async () => {
      await settle(bench)
      return underLoad(bench, () => project.run(['backup', 'bench', '--json']))
    },
    async () => {
      await rm(dump, { recursive: true, force: true })
      await settle(bench)
      return underLoad(bench, () => runPeer(bench, 'pg_dump', ['-Fd', '-j2', '-f', dump, '-d', database]))
    },
  )
  await dropDatabase(bench, 'bench_load')
  const [ours, peer] = [median(each(runs.ours, Number)), median(each(runs.peer, Number))]
  const message = `transactions per second: ${ours.toFixed(0)} beside a backup of ours, ${peer.toFixed(0)} beside pg_dump -Fd -j2`
  bench.context.progress({ type: 'note', message })
  const measurement = {
    work: `${TRANSACTIONS} transactions of pgbench, 2 clients, beside a backup`,
    ours: 'holdfast backup',
    peer: 'pg_dump -Fd -j2',
    oursSeconds: TRANSACTIONS / ours,
    peerSeconds: TRANSACTIONS / peer,
    peakRssMib: undefined,
    toolsPeakRssMib: undefined,
    peerPeakRssMib: undefined,
    goals: [],
  }
  return { ...measurement, goals: [ratioGoal(measurement, 1)] }
}
