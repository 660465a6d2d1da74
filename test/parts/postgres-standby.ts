import { execFile } from 'node:child_process'
import { chmod, chown, copyFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { startServer } from '../../src/components/postgres/private-server/server-process.ts'
import { findServerBinaries } from '../../src/components/postgres/tools/tools.ts'
import { findAccount, isRoot } from '../../src/system/process/accounts.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { asTestPostgres, testContext } from './postgres.ts'
import type { TestPostgres } from './postgres.ts'

const execute = promisify(execFile)
const CATCH_UP_LIMIT = 30_000

/** A hot standby that streams from `primary`. Stopped and removed after the last test. */
export async function startStandby(
  primary: TestPostgres,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPostgres> {
  if (primary.process === undefined) throw new Error('a standby needs a primary that is ours')
  const { major, folder: primaryFolder } = primary.process
  const folder = await makeTemporaryFolder()
  const account = isRoot() ? await findAccount(['postgres', 'nobody']) : undefined
  await chmod(folder, 0o700)
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  await copyFile(join(primaryFolder, 'password'), join(folder, 'password'))
  if (account !== undefined) await chown(join(folder, 'password'), account.uid, account.gid)
  await takeBase(primary, major, join(folder, 'data'), account)
  // Recovery needs as much of some things as the primary has.
  const enough = { max_prepared_transactions: '10', ...settings }
  const process = await startServer({ folder, context: testContext(), major, settings: enough })
  after(async () => {
    await process.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return asTestPostgres(process.server, process)
}

async function takeBase(
  { server }: TestPostgres,
  major: number,
  data: string,
  account: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const binaries = await findServerBinaries(testContext(), major)
  const program = join(dirname(binaries.initdb), 'pg_basebackup')
  const login = ['-h', server.host, '-p', String(server.port), '-U', server.user]
  await execute(program, [...login, '-D', data, '--write-recovery-conf', '--checkpoint=fast', '--no-sync'], {
    cwd: dirname(data),
    env: { PGPASSWORD: (await passwordOf(server)) ?? '', HOME: dirname(data) },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  })
}

/** Waits until the standby has replayed all that the primary has written. */
export async function caughtUp(primary: TestPostgres, standby: TestPostgres): Promise<void> {
  const [row] = await primary.sql('postgres', 'select pg_current_wal_lsn()::text as position')
  const position = String(row?.['position'])
  for (let waited = 0; waited < CATCH_UP_LIMIT; waited += 50) {
    const [found] = await standby.sql('postgres', 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [position])
    if (found?.['done'] === true) return
    await sleep(50)
  }
  throw new Error(`the standby did not reach ${position}`)
}
