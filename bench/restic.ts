import { execa } from 'execa'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'
import { environmentOf } from './peer.ts'

/** Whether restic is installed; where it is not, that is said. */
export async function hasRestic({ context }: Bench): Promise<boolean> {
  const { failed } = await execa('restic', ['version'], { reject: false })
  if (failed) context.progress({ type: 'note', message: 'restic is not installed and left out' })
  return !failed
}

export function resticEnvironment({ folder }: Bench, repository: string): Readonly<Record<string, string>> {
  return { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(folder, 'cache') }
}

/** A dump that restic can deduplicate is not compressed. */
const PIPE = 'set -o pipefail; "$1" -Fc -Z0 -d "$2" | restic backup --quiet --stdin'

/** Makes a repository in a folder that is not there yet, and measures how long it takes to store a dump in it. */
export async function storeWithRestic(bench: Bench, repository: string, database: string): Promise<ChildRun> {
  const environment = { ...environmentOf(bench), ...resticEnvironment(bench, repository) }
  const { signal } = bench.context
  await runMeasured({ file: 'restic', args: ['init', '--quiet'], environment, signal })
  const args = ['-c', PIPE, 'bash', bench.tools.pgDump, database]
  return runMeasured({ file: 'bash', args, environment, signal })
}
