import type { Bench } from './bench.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'

/** Runs the real pg_dump or pg_restore as its documentation says, connected to the bench's server. */
export function runPeer(bench: Bench, program: 'pg_dump' | 'pg_restore', args: readonly string[]): Promise<ChildRun> {
  const file = program === 'pg_dump' ? bench.tools.pgDump : bench.tools.pgRestore
  return runMeasured({ file, args, environment: environmentOf(bench), signal: bench.context.signal })
}

/** How libpq reaches the bench's server. */
export function environmentOf({ postgres, passfile }: Bench): Readonly<Record<string, string>> {
  const { host, port, user } = postgres.server
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSFILE: passfile }
}
