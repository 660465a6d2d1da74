import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bench } from '../bench.ts'
import { runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { settle } from '../database.ts'
import { environmentOf, runPeer } from '../peer.ts'
import { hasRestic, storeWithRestic } from '../restic.ts'
import { scriptPeer } from '../script-peer.ts'
import { repeat } from '../rounds.ts'
import type { Side } from '../rounds.ts'

/** Who encrypts, uploads and reads back by hand has no faster backup. */
const AS_THE_SCRIPT = 1

export interface BackupPeer {
  readonly peer: string
  /** How many times as fast as it a backup is to be. */
  readonly atLeast?: number
  readonly runs: Side<ChildRun>
}

/** The other programs that people back up with, one after the other. One that is not installed is left out, and that is said. */
export async function measureBackupPeers(bench: Bench, database: string): Promise<readonly BackupPeer[]> {
  const { rounds } = bench.options
  const script = await scriptPeer(bench, database)
  const peers = [
    ...(script === undefined ? [] : [{ peer: script.name, atLeast: AS_THE_SCRIPT, run: () => script.run() }]),
    { peer: 'pg_dump -Fd -j2', run: () => dumpFolder(bench, database) },
    { peer: 'pg_basebackup (the whole server)', run: () => baseBackup(bench) },
    ...((await hasRestic(bench))
      ? [{ peer: 'pg_dump | restic backup --stdin', run: () => resticBackup(bench, database) }]
      : []),
  ]
  const found: BackupPeer[] = []
  for (const { run, ...peer } of peers) found.push({ ...peer, runs: await repeat(rounds, run) })
  return found
}

async function fresh(bench: Bench, name: string): Promise<string> {
  const path = join(bench.folder, name)
  await rm(path, { recursive: true, force: true })
  await settle(bench)
  return path
}

async function dumpFolder(bench: Bench, database: string): Promise<ChildRun> {
  const path = await fresh(bench, 'peer.dir')
  return runPeer(bench, 'pg_dump', ['-Fd', '-j2', '-f', path, '-d', database])
}

async function baseBackup(bench: Bench): Promise<ChildRun> {
  const path = await fresh(bench, 'peer.base')
  const file = join(dirname(bench.tools.pgDump), 'pg_basebackup')
  const args = ['-D', path, '-Ft', '-z', '--checkpoint=fast']
  return runMeasured({ file, args, environment: environmentOf(bench), signal: bench.context.signal })
}

async function resticBackup(bench: Bench, database: string): Promise<ChildRun> {
  return storeWithRestic(bench, await fresh(bench, 'peer.restic'), database)
}
