import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { passwordOf } from '../src/components/postgres/connection/connection.ts'
import { startServer } from '../src/components/postgres/private-server/server-process.ts'
import type { PrivateServer } from '../src/components/postgres/private-server/server-process.ts'
import { passfileLine } from '../src/components/postgres/tools/tool-run.ts'
import { chooseTools } from '../src/components/postgres/tools/tools.ts'
import type { Tools } from '../src/components/postgres/tools/tools.ts'
import type { Context } from '../src/core/ports.ts'
import { isRoot } from '../src/system/process/accounts.ts'
import { makeTemporaryFolder } from '../src/system/files/temporary-folder.ts'
import { startS3 } from '../test/parts/s3.ts'
import type { TestS3 } from '../test/parts/s3.ts'

export interface BenchOptions {
  readonly megabytes: number
  readonly rounds: number
  /** Keeps the server's data for the next run. */
  readonly keep: boolean
  /** Says how long each phase of a restore took. */
  readonly phases: boolean
  /** How many secrets of OpenBao, and how many versions each has. */
  readonly secrets: number
  readonly versions: number
  /** The size of the table that the measure of routes reads, in 10^9 bytes. */
  readonly gigabytes: number
  /** How many values key fit opens. */
  readonly rows: number
  /** Restore points are kept in an S3 server and not in a folder. */
  readonly s3: boolean
  /** Both sides reach the server over TCP on the loopback and not over its unix socket. */
  readonly tcp: boolean
  readonly context: Context
}

/** What every measure has: a private folder. */
export interface Place {
  readonly options: BenchOptions
  readonly context: Context
  readonly folder: string
  /** Where restore points are kept, if not in a folder. */
  readonly s3: TestS3 | undefined
}

/** What the measures that need a database share besides: a private server and its tools. */
export interface Bench extends Place {
  readonly postgres: Pick<PrivateServer, 'server' | 'version' | 'versionText' | 'pid'>
  readonly tools: Tools
  /** A libpq password file for the peer's tools. */
  readonly passfile: string
}

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)))

/** Both sides use the same server. It does not wait for the disk, so that its writes hide nothing of the programs' speed. */
const SETTINGS = { shared_buffers: '256MB', max_wal_size: '4GB', autovacuum: 'off' } as const
/** Not 127.0.0.1, where a server of this machine may listen. */
const LOOPBACK = '127.0.0.2'
export const SERVER_FACTS = 'server with shared_buffers 256MB, fsync and autovacuum off'

/** Runs `act` with a folder that is removed again. */
export async function withPlace<Result>(
  options: BenchOptions,
  act: (place: Place) => Promise<Result>,
): Promise<Result> {
  const folder = await makeTemporaryFolder()
  const s3 = options.s3 ? await startS3() : undefined
  try {
    return await act({ options, context: options.context, folder, s3 })
  } finally {
    await s3?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Starts the server, runs `act`, and removes everything again; with `keep` the server's data stays for the next run. */
export async function withBench<Result>(
  options: BenchOptions,
  act: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const data = options.keep ? await cacheFolder() : await makeTemporaryFolder()
  try {
    return await withPlace(options, async (place) => {
      const settings = { ...SETTINGS, listen_addresses: options.tcp ? LOOPBACK : '' }
      const postgres = await startServer({ folder: data, context: options.context, settings })
      try {
        return await act(await benchOf(place, postgres))
      } finally {
        await postgres.stop()
      }
    })
  } finally {
    if (!options.keep) await rm(data, { recursive: true, force: true })
  }
}

async function benchOf(place: Place, postgres: PrivateServer): Promise<Bench> {
  const { context, folder } = place
  const passfile = join(folder, 'passfile')
  await writeFile(passfile, passfileLine((await passwordOf(postgres.server)) ?? ''), { mode: 0o600 })
  const server = place.options.tcp ? { ...postgres.server, host: LOOPBACK } : postgres.server
  return {
    ...place,
    postgres: { server, version: postgres.version, versionText: postgres.versionText, pid: postgres.pid },
    tools: await chooseTools(postgres.version, {}, context),
    passfile,
  }
}

/** `$HOLDFAST_BENCH_CACHE`, else the user's cache folder. Root's server runs as another user, who cannot enter root's home. */
async function cacheFolder(): Promise<string> {
  const caches = isRoot() ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'))
  const folder = process.env['HOLDFAST_BENCH_CACHE'] ?? join(caches, 'holdfast-bench')
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o700)
  return folder
}
