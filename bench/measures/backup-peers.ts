import { execa } from 'execa'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bench } from '../bench.ts'
import { runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { settle } from '../database.ts'
import { environmentOf, runPeer } from '../peer.ts'
import { repeat } from '../rounds.ts'
import type { Side } from '../rounds.ts'

export interface BackupPeer {
  readonly peer: string
  readonly runs: Side<ChildRun>
}

/** The other programs that people back up with, one after the other. One that is not installed is left out, and that is said. */
export async function measureBackupPeers(bench: Bench, database: string): Promise<readonly BackupPeer[]> {
  const { rounds } = bench.options
  const peers = [
    { peer: 'pg_dump -Fd -j2', run: () => dumpFolder(bench, database) },
    { peer: 'pg_basebackup (the whole server)', run: () => baseBackup(bench) },
    ...((await hasRestic())
      ? [{ peer: 'pg_dump | restic backup --stdin', run: () => resticBackup(bench, database) }]
      : []),
  ]
  if (peers.length < 3) bench.context.progress({ type: 'note', message: 'restic is not installed and left out' })
  const found: BackupPeer[] = []
  for (const { peer, run } of peers) found.push({ peer, runs: await repeat(rounds, run) })
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

/** A dump that restic can deduplicate is not compressed. */
const PIPE = 'set -o pipefail; "$1" -Fc -Z0 -d "$2" | restic backup --quiet --stdin'

async function resticBackup(bench: Bench, database: string): Promise<ChildRun> {
  const path = await fresh(bench, 'peer.restic')
  const secrets = { RESTIC_REPOSITORY: path, RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(bench.folder, 'cache') }
  const environment = { ...environmentOf(bench), ...secrets }
  const { signal } = bench.context
  await runMeasured({ file: 'restic', args: ['init', '--quiet'], environment, signal })
  const args = ['-c', PIPE, 'bash', bench.tools.pgDump, database]
  return runMeasured({ file: 'bash', args, environment, signal })
}

async function hasRestic(): Promise<boolean> {
  const { failed } = await execa('restic', ['version'], { reject: false })
  return !failed
}
