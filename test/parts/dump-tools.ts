import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findTools } from '../../src/components/postgres/tools/tools.ts'
import { Secret } from '../../src/core/secret.ts'
import { join } from 'node:path'
import { testContext, type TestPostgres } from './postgres.ts'

/** Runs a client program of PostgreSQL against the server of a test, as an operator would. */
export async function dumpWith(
  { server }: TestPostgres,
  program: 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql',
  args: readonly string[],
): Promise<string> {
  const [tools] = await findTools(undefined, testContext())
  if (tools === undefined) throw new Error('no client tools')
  const env = {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password instanceof Secret ? server.password.reveal() : '',
    LC_ALL: 'C.UTF-8',
  }
  const { stdout } = await promisify(execFile)(join(tools.folder, program), [...args], { env, maxBuffer: 1 << 30 })
  return stdout
}
