import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bench } from '../bench.ts'
import { runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { dropDatabase, prepareDatabase, recreateDatabase, settle } from '../database.ts'
import { measurementOf, peakGoal, ratioGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { environmentOf, runPeer } from '../peer.ts'
import { inPhases } from '../phases.ts'
import { makeProject } from '../project.ts'
import { hasRestic, resticEnvironment, storeWithRestic } from '../restic.ts'
import { alternate, repeat } from '../rounds.ts'
import type { Side } from '../rounds.ts'

const PEER_DATABASE = 'bench_peer'
const PEER = 'pg_restore -j2 of pg_dump -Fd; vacuumdb --analyze-only -j2'
/** The restored database is there no later than with the peer. */
const TIMES_AS_FAST = 1

/**
 * One whole restore: authenticate, decrypt, load beside, compare with what was captured, swap. The peers only load. We
 * leave out the safety backup, which is work of another measure.
 */
export async function measureRestore(bench: Bench): Promise<readonly Measurement[]> {
  const { megabytes, rounds } = bench.options
  const database = await prepareDatabase(bench, megabytes)
  const project = await makeProject(bench, 'restore', database)
  await project.run(['backup', 'bench', '--json'])
  const dump = join(bench.folder, 'restore.dir')
  await runPeer(bench, 'pg_dump', ['-Fd', '-j2', '-f', dump, '-d', database])
  const runs = await alternate(
    rounds,
    async () => {
      await settle(bench)
      return inPhases(bench, 'holdfast restore', (onLine) =>
        project.run(['restore', 'bench', '--no-safety-point', '--yes', '--json'], onLine),
      )
    },
    () => intoEmpty(bench, () => restoreAndAnalyze(bench, dump)),
  )
  await rm(dump, { recursive: true })
  const ours = 'holdfast restore --no-safety-point'
  const measurement = measurementOf({ work: `restore ${megabytes} MB`, ours, peer: PEER }, runs.ours, runs.peer)
  const others = await otherPeers(bench, database)
  await dropDatabase(bench, PEER_DATABASE)
  return [
    { ...measurement, goals: [ratioGoal(measurement, TIMES_AS_FAST), peakGoal(measurement)] },
    ...others.map(({ peer, runs: theirs }) =>
      measurementOf({ work: `  beside ${peer}`, ours, peer }, runs.ours, theirs),
    ),
  ]
}

/** Ours ends with statistics too: without them the first queries of the app are slow. */
const LOAD = 'set -e; "$1" --exit-on-error -j2 -d "$3" "$4"; "$2" --analyze-only -j2 -d "$3"'

function restoreAndAnalyze(bench: Bench, dump: string): Promise<ChildRun> {
  const { pgRestore } = bench.tools
  const args = ['-c', LOAD, 'bash', pgRestore, join(dirname(pgRestore), 'vacuumdb'), PEER_DATABASE, dump]
  return runMeasured({ file: 'bash', args, environment: environmentOf(bench), signal: bench.context.signal })
}

const RESTORE = ['--exit-on-error', '-d', PEER_DATABASE]

async function intoEmpty(bench: Bench, act: () => Promise<ChildRun>): Promise<ChildRun> {
  await recreateDatabase(bench, PEER_DATABASE)
  await settle(bench)
  return inPhases(bench, 'the peer', act)
}

interface RestorePeer {
  readonly peer: string
  readonly runs: Side<ChildRun>
}

/** The other ways in which people restore, one after the other; each has a warm-up. */
async function otherPeers(bench: Bench, database: string): Promise<readonly RestorePeer[]> {
  const { rounds } = bench.options
  const dump = join(bench.folder, 'restore.dump')
  await runPeer(bench, 'pg_dump', ['-Fc', '-f', dump, '-d', database])
  const custom = await repeat(rounds, () => intoEmpty(bench, () => runPeer(bench, 'pg_restore', [...RESTORE, dump])))
  await rm(dump)
  const found = [{ peer: 'pg_restore of pg_dump -Fc', runs: custom }]
  if (!(await hasRestic(bench))) return found
  const repository = join(bench.folder, 'restore.restic')
  await storeWithRestic(bench, repository, database)
  const restic = await repeat(rounds, () => intoEmpty(bench, () => resticRestore(bench, repository)))
  await rm(repository, { recursive: true })
  return [...found, { peer: 'restic dump | pg_restore', runs: restic }]
}

const PIPE = 'set -o pipefail; restic dump --quiet latest stdin | "$1" --exit-on-error -d "$2"'

function resticRestore(bench: Bench, repository: string): Promise<ChildRun> {
  const environment = { ...environmentOf(bench), ...resticEnvironment(bench, repository) }
  const args = ['-c', PIPE, 'bash', bench.tools.pgRestore, PEER_DATABASE]
  return runMeasured({ file: 'bash', args, environment, signal: bench.context.signal })
}
