import type { Bench } from './bench.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'

/** Runs the real pg_dump or pg_restore as its documentation says, connected to the bench's server. */
export function runPeer(bench: Bench, program: 'pg_dump' | 'pg_restore', args: readonly string[]): Promise<ChildRun> {
  const { server } = bench.postgres
  const environment = {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSFILE: bench.passfile,
  }
  const file = program === 'pg_dump' ? bench.tools.pgDump : bench.tools.pgRestore
  return runMeasured({ file, args, environment, signal: bench.context.signal })
}
