import { appendFile, chown, readFile, readlink, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../../../core/ports.ts'
import { isRoot } from '../../../system/process/accounts.ts'
import { readPassword, runInPlace } from './server-folder.ts'
import type { ServerFolder } from './server-folder.ts'
import { passfileLine } from '../tools/tool-run.ts'
import { findServerBinaries } from '../tools/tools.ts'
import type { ServerBinaries } from '../tools/tools.ts'

const START_SECONDS = 60
const STOP_SECONDS = 20

/**
 * Starts the stopped server of this folder so that it outlives this process. Its settings go into its configuration, so
 * that `pg_ctl` alone can start it again.
 */
export async function startLeftServer(
  binaries: ServerBinaries,
  place: ServerFolder,
  settings: Readonly<Record<string, string>>,
  context: Context,
): Promise<{ readonly passwordFile: string }> {
  const passwordFile = join(place.folder, 'pgpass')
  await context.effects.run('leave scratch server', async () => {
    await appendFile(join(place.data, 'postgresql.conf'), configurationOf(settings))
    await writeFile(passwordFile, passfileLine((await readPassword(place)).reveal()), { mode: 0o600 })
    const log = join(place.folder, 'server.log')
    await writeFile(log, '', { mode: 0o600 })
    if (place.account !== undefined) await chown(log, place.account.uid, place.account.gid)
    const args = ['start', '-D', place.data, '-l', log, '-w', '-t', String(START_SECONDS), '-s']
    await runInPlace(place, binaries.pgCtl, args, context.signal, (START_SECONDS + 10) * 1000)
  })
  return { passwordFile }
}

/** Quotes double, as postgresql.conf has it. */
function configurationOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('')
}

/**
 * Ends the server that an earlier process left in this folder, whether it runs or was killed, and removes the folder of its
 * socket. Its process id is only believed if that process works in this very folder: after a restart of the machine it may be
 * anybody's.
 */
export async function stopLeftServer(folder: string, context: Context): Promise<void> {
  const data = join(folder, 'data')
  const [pid = '', , , , sockets = ''] = (await readText(join(data, 'postmaster.pid'))).split('\n')
  if (pid !== '' && (await worksIn(pid, data))) await stopRunning(folder, data, sockets, context)
  if (sockets !== '' && sockets !== folder) await rm(sockets, { recursive: true, force: true })
}

async function stopRunning(folder: string, data: string, sockets: string, context: Context): Promise<void> {
  const { pgCtl } = await findServerBinaries(context, Number((await readText(join(data, 'PG_VERSION'))).trim()))
  const place = await foundFolder(folder, data, sockets)
  await context.effects.run('stop scratch server', async () => {
    try {
      await stop('fast')
    } catch {
      await stop('immediate')
    }
  })

  function stop(mode: 'fast' | 'immediate'): Promise<void> {
    const args = ['stop', '-D', data, '-m', mode, '-w', '-t', String(STOP_SECONDS), '-s']
    return runInPlace(place, pgCtl, args, context.signal, (STOP_SECONDS + 10) * 1000)
  }
}

async function worksIn(pid: string, data: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  return folder !== undefined && folder === (await realpath(data))
}

/** A server belongs to who ran it. */
async function foundFolder(folder: string, data: string, sockets: string): Promise<ServerFolder> {
  const { uid, gid } = await stat(data)
  const account = isRoot() ? { name: String(uid), uid, gid } : undefined
  return { folder, data, sockets, passwordFile: join(folder, 'password'), account }
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
