import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { dropDatabase, prepareDatabase, recreateDatabase, settle } from '../database.ts'
import { measurementOf, peakGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { runPeer } from '../peer.ts'
import { inPhases } from '../phases.ts'
import { makeProject } from '../project.ts'
import { alternate } from '../rounds.ts'

const PEER_DATABASE = 'bench_peer'

/**
 * One whole restore: authenticate, decrypt, load beside, compare with what was captured, swap. The peer only loads. We
 * leave out the safety backup, which is work of another measure.
 */
export async function measureRestore(bench: Bench): Promise<Measurement> {
  const { megabytes, rounds } = bench.options
  const database = await prepareDatabase(bench, megabytes)
  const project = await makeProject(bench, 'restore', database)
  await project.run(['backup', 'bench', '--json'])
  const dump = join(bench.folder, 'restore.dump')
  await runPeer(bench, 'pg_dump', ['-Fc', '-f', dump, '-d', database])
  const runs = await alternate(
    rounds,
    async () => {
      await settle(bench)
      return inPhases(bench, 'holdfast restore', (onLine) =>
        project.run(['restore', 'bench', '--no-safety-point', '--yes', '--json'], onLine),
      )
    },
    async () => {
      await recreateDatabase(bench, PEER_DATABASE)
      await settle(bench)
      return inPhases(bench, 'pg_restore', () =>
        runPeer(bench, 'pg_restore', ['-j2', '--exit-on-error', '-d', PEER_DATABASE, dump]),
      )
    },
  )
  await dropDatabase(bench, PEER_DATABASE)
  const labels = { work: `restore ${megabytes} MB`, ours: 'holdfast restore --no-safety-point', peer: 'pg_restore -j2' }
  const measurement = measurementOf(labels, runs.ours, runs.peer)
  return { ...measurement, goals: [peakGoal(measurement)] }
}
