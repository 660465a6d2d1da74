import type { BigIntStats } from 'node:fs'
import { readlink } from 'node:fs/promises'
import type { Accounts } from './accounts.ts'
import { hasCode } from '../../../system/files/errno.ts'
import { child } from './folder.ts'
import { rawOf, type RawPath } from './names.ts'
import type { Found } from './walk.ts'

/** What every entry says, whatever its type. */
export interface Facts {
  readonly path: RawPath
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user?: string | undefined
  readonly group?: string | undefined
  readonly mtime: bigint
}

export function factsOf(path: RawPath, stat: BigIntStats, { users, groups }: Accounts): Facts {
  const [uid, gid] = [Number(stat.uid), Number(stat.gid)]
  const [user, group] = [users.get(uid), groups.get(gid)]
  return {
    path,
    mode: Number(stat.mode & 0o7777n),
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    mtime: stat.mtimeNs,
  }
}

/** Where a link that was found points; undefined when it is gone or no longer a link. */
export async function targetOf({ folder, name }: Found): Promise<RawPath | undefined> {
  try {
    return rawOf(await readlink(child(folder, name), { encoding: 'buffer' }))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  }
}

/** Undefined for what an archive can hold. */
export function specialKind(stat: BigIntStats): string | undefined {
  if (stat.isSocket()) return 'socket'
  if (stat.isFIFO()) return 'pipe'
  if (stat.isBlockDevice() || stat.isCharacterDevice()) return 'device'
  return undefined
}
