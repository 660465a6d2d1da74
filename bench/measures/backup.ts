import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { prepareDatabase, settle } from '../database.ts'
import { measurementOf, peakGoal, ratioGoal } from '../measurement.ts'
import type { Measurement } from '../measurement.ts'
import { runPeer } from '../peer.ts'
import { BARE, bareGoal, fingerprintGoal, measureBare, pointOf } from './backup-bare.ts'
import { measureBackupPeers } from './backup-peers.ts'
import { makeProject } from '../project.ts'
import { readStoredSeconds } from '../read-stored.ts'
import { alternate, repeat } from '../rounds.ts'

const TIMES_AS_FAST = 2.4

/**
 * One whole backup: dump, compress, encrypt, store, read back, commit, and a fingerprint of the content. The peer only
 * dumps and compresses. Both end with their files synced to the disk.
 */
export async function measureBackup(bench: Bench): Promise<readonly Measurement[]> {
  const { megabytes, rounds } = bench.options
  const database = await prepareDatabase(bench, megabytes)
  const project = await makeProject(bench, 'backup', database)
  const dump = join(bench.folder, 'peer.dump')
  const runs = await alternate(
    rounds,
    async () => {
      await settle(bench)
      return project.run(['backup', 'bench', '--json'])
    },
    async () => {
      await rm(dump, { force: true })
      await settle(bench)
      return runPeer(bench, 'pg_dump', ['-Fc', '-f', dump, '-d', database])
    },
  )
  const labels = { work: `back up ${megabytes} MB`, ours: 'holdfast backup', peer: 'pg_dump -Fc' }
  const measurement = measurementOf(labels, runs.ours, runs.peer)
  const { ours } = labels
  const bare = measurementOf(
    { work: `  beside ${BARE}`, ours, peer: BARE },
    runs.ours,
    await measureBare(bench, database),
  )
  const readBack = await readStoredSeconds(bench, await project.storage(), pointOf(runs.ours[0]))
  const counting = await measureCounting(bench, database)
  const others = await measureBackupPeers(bench, database)
  return [
    { ...measurement, goals: [ratioGoal(measurement, TIMES_AS_FAST), peakGoal(measurement)] },
    { ...bare, goals: [bareGoal(bare, readBack)] },
    { ...counting, goals: [fingerprintGoal(measurement.oursSeconds, counting.oursSeconds)] },
    ...others.map(({ peer, atLeast, runs: theirs }) => {
      const one = measurementOf({ work: `  beside ${peer}`, ours, peer }, runs.ours, theirs)
      return { ...one, goals: atLeast === undefined ? [] : [ratioGoal(one, atLeast)] }
    }),
  ]
}

/** The same backup that leaves the fingerprint to drills. */
async function measureCounting(bench: Bench, database: string): Promise<Measurement> {
  const project = await makeProject(bench, 'backup-counting', database, { fingerprint: 'drill' })
  const runs = await repeat(bench.options.rounds, async () => {
    await settle(bench)
    return project.run(['backup', 'bench', '--json'])
  })
  return measurementOf({ work: '  with fingerprint: drill', ours: 'holdfast backup' }, runs)
}
