import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { findAccount, isRoot } from '../../../system/process/accounts.ts'
import type { Account } from '../../../system/process/accounts.ts'
import { randomHex } from '../../../system/random.ts'
import { run } from '../../../system/process/run.ts'
import { makeTemporaryFolder, removeTemporaryFolder, SHORT_FOLDER } from '../../../system/files/temporary-folder.ts'
import type { ServerBinaries } from '../tools/tools.ts'

/** The folders of a private server and who runs it. */
export interface ServerFolder {
  readonly folder: string
  readonly data: string
  readonly sockets: string
  readonly passwordFile: string
  /** Undefined when it runs as we do. */
  readonly account: Account | undefined
}

export const SUPERUSER = 'postgres'
const INITDB_LIMIT = 120_000
/** A unix socket's path has at most 107 bytes, and libpq splits hosts at commas. */
const PLAIN_SHORT_PATH = /^\/[\w./-]{1,90}$/

/** Makes the folder and gives it to the user who will run the server: never root, whom PostgreSQL refuses. */
export async function openServerFolder(path: string): Promise<ServerFolder> {
  const folder = resolve(path)
  const account = isRoot() ? await serverAccount() : undefined
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const sockets = PLAIN_SHORT_PATH.test(folder) ? folder : await makeSocketsFolder()
  const place = { folder, data: join(folder, 'data'), sockets, passwordFile: join(folder, 'password'), account }
  await giveAway(place, folder)
  await giveAway(place, sockets)
  if (account !== undefined) await requireReachable(folder, account)
  return place
}

/** TMPDIR may be as deep as the folder is. */
async function makeSocketsFolder(): Promise<string> {
  const folder = await makeTemporaryFolder('kept')
  if (PLAIN_SHORT_PATH.test(folder)) return folder
  await removeTemporaryFolder(folder)
  return await makeTemporaryFolder('kept', SHORT_FOLDER)
}

/** PostgreSQL would say only that permission was denied. The folder itself belongs to the account by now. */
async function requireReachable(folder: string, account: Account): Promise<void> {
  for (let parent = dirname(folder); parent !== dirname(parent); parent = dirname(parent)) {
    const { mode, uid, gid } = await stat(parent)
    const enter = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & enter) !== 0) continue
    throw new Failure('denied', `the user ${account.name}, who must run PostgreSQL, cannot enter ${parent}`, {
      hint: `Let others enter that folder (chmod o+x), use another folder, or do not run Holdfast as root.`,
    })
  }
}

async function serverAccount(): Promise<Account> {
  const account = await findAccount(['postgres', 'nobody'])
  if (account !== undefined) return account
  throw new Failure('notFound', 'PostgreSQL does not run as root and there is no user postgres or nobody to run it', {
    hint: 'Run Holdfast as another user.',
  })
}

async function giveAway({ account }: ServerFolder, path: string): Promise<void> {
  await chmod(path, 0o700)
  if (account !== undefined) await chown(path, account.uid, account.gid)
}

export interface MadeWith {
  readonly locale: string
  readonly encoding: string
  readonly superuser: string
}

/** Makes the data folder unless it is there. It gets its name only when it is complete, so a run that died starts over. */
export async function initialize(
  binaries: ServerBinaries,
  place: ServerFolder,
  made: MadeWith,
  context: Context,
): Promise<void> {
  const major = await readFile(join(place.data, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (major !== undefined) return requireMajor(major, binaries, place)
  const fresh = join(place.folder, 'data.new')
  await context.effects.run('initdb', async () => {
    await rm(fresh, { recursive: true, force: true })
    await writePassword(place)
    await runInPlace(place, binaries.initdb, initdbArgs(fresh, place, made), context.signal, INITDB_LIMIT)
    await rename(fresh, place.data)
  })
}

export async function readPassword(place: ServerFolder): Promise<Secret> {
  return new Secret(await readFile(place.passwordFile, 'utf8'))
}

/** Runs a server program as the user who owns the folder. */
export async function runInPlace(
  place: ServerFolder,
  file: string,
  args: readonly string[],
  signal: AbortSignal,
  limit: number,
): Promise<void> {
  await run({ file, args, directory: place.folder, ...userOf(place), signal, idleLimit: limit, totalLimit: limit })
}

export function userOf({ account }: ServerFolder): { user?: Account } {
  return account === undefined ? {} : { user: account }
}

async function writePassword(place: ServerFolder): Promise<void> {
  await writeFile(place.passwordFile, randomHex(24), { mode: 0o600 })
  if (place.account !== undefined) await chown(place.passwordFile, place.account.uid, place.account.gid)
}

function requireMajor(made: string, binaries: ServerBinaries, place: ServerFolder): void {
  if (made.trim() === String(binaries.major)) return
  throw new Failure('unsupported', `${place.folder} was made by PostgreSQL ${made.trim()}, not ${binaries.major}`)
}

function initdbArgs(data: string, place: ServerFolder, { locale, encoding, superuser }: MadeWith): string[] {
  const login = [`--username=${superuser}`, '--auth=scram-sha-256', `--pwfile=${place.passwordFile}`]
  return [
    `--pgdata=${data}`,
    `--encoding=${encoding}`,
    `--locale=${locale}`,
    ...login,
    '--data-checksums',
    '--no-sync',
    '--no-instructions',
  ]
}
