import { execa } from 'execa'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { withSession } from '../src/components/postgres/connection/connection.ts'
import { queryOne } from '../src/components/postgres/connection/query.ts'
import { systemClock } from '../src/system/clock.ts'
import { recreateDatabase } from './database.ts'
import type { Bench } from './bench.ts'

const DATABASE = 'bench_load'
const CLIENTS = '2'
/** Longer than any backup; it is ended when the backup is done. */
const SECONDS = '86400'

export async function makeLoad(bench: Bench): Promise<void> {
  await recreateDatabase(bench, DATABASE)
  await pgbench(bench, ['--initialize', '--quiet', '--scale=10'])
}

/** Runs `act` beside TPC-B-like transactions of two clients, and gives how many of them ended in a second. */
export async function underLoad(bench: Bench, act: () => Promise<unknown>): Promise<number> {
  const load = pgbench(bench, [`--client=${CLIENTS}`, `--time=${SECONDS}`, '--no-vacuum'])
  const ended = load.catch(() => {})
  try {
    const [before, started] = [await transactions(bench), systemClock.monotonic()]
    await act()
    const seconds = (systemClock.monotonic() - started) / 1000
    return ((await transactions(bench)) - before) / seconds
  } finally {
    load.kill('SIGTERM')
    await ended
  }
}

/** pgbench writes a row for each. */
function transactions(bench: Bench): Promise<number> {
  return withSession(bench.postgres.server, DATABASE, bench.context, async (session) => {
    const sql = 'select count(*)::int as done from public.pgbench_history'
    return (await queryOne(session, z.object({ done: z.number() }), sql)).done
  })
}

function pgbench({ postgres, tools, passfile, context }: Bench, args: readonly string[]) {
  const { host, port, user } = postgres.server
  const file = join(dirname(tools.pgDump), 'pgbench')
  const env = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSFILE: passfile }
  return execa(file, [...args, DATABASE], { env, extendEnv: false, stdin: 'ignore', cancelSignal: context.signal })
}
