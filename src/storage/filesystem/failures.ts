import { faultOfCode } from '../../core/environment-fault.ts'
import { Failure, toFailure, type FailureKind } from '../../core/failure.ts'
import { codeOf, hasCode } from '../../system/files/errno.ts'

interface Meaning {
  readonly kind: FailureKind
  /** What is said of the act, before the code. */
  readonly what: string
  readonly hint: string | undefined
}

const full: Meaning = {
  kind: 'refused',
  what: 'failed: no space left',
  hint: 'Free space or raise the quota, then run it again. Nothing that was stored is affected.',
}
const tooLarge: Meaning = {
  kind: 'refused',
  what: 'failed: the file is too large',
  hint: 'This file system or the process limits the size of a file (ulimit -f). Use another folder or raise the limit.',
}
const forbidden: Meaning = {
  kind: 'denied',
  what: 'is not permitted',
  hint: 'Check who owns the folder, and that it is not mounted read-only.',
}
const unreachable: Meaning = {
  kind: 'unreachable',
  what: 'failed: the medium does not answer well',
  hint: 'Check the disk or the network mount.',
}
const blocked: Meaning = {
  kind: 'refused',
  what: 'failed: something else is in its place',
  hint: 'Move away what was not put there by Holdfast.',
}
const meanings: readonly (readonly [Meaning, readonly string[]])[] = [
  [full, ['ENOSPC', 'EDQUOT']],
  [tooLarge, ['EFBIG']],
  [forbidden, ['EACCES', 'EPERM', 'EROFS']],
  [unreachable, ['EIO', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENOTCONN', 'EREMOTEIO', 'ENXIO']],
  [blocked, ['EISDIR', 'ELOOP', 'EEXIST', 'ENOTDIR']],
]

/** An error of the file system as the failure that says what to do about it; `act` reads like `put data/1`. */
export function fileFailure(cause: unknown, act: string, folder: string): Failure {
  if (cause instanceof Failure) return cause
  const code = codeOf(cause)
  if (code === '') return toFailure(cause)
  const details = { cause, facts: { code, folder } }
  const told = `${act} in ${folder}${placeIn(folder, cause)}`
  const { kind, what, hint } = meanings.find(([, codes]) => codes.includes(code))?.[0] ?? otherMeaning(code)
  if (hint === undefined) return new Failure(kind, `${told} ${what}: ${code}`, details)
  return new Failure(kind, `${told} ${what} (${code === 'EROFS' ? 'the medium is read-only' : code})`, {
    ...details,
    hint,
  })
}

/** In the words of the core, but for a file that is not there: whoever asks knows better what that means. */
function otherMeaning(code: string): Meaning {
  const fault = code === 'ENOENT' ? undefined : faultOfCode(code)
  if (fault === undefined) return { kind: 'unreachable', what: 'failed', hint: undefined }
  return { ...fault, what: `failed: ${fault.what}` }
}

/** Which of all that an act looks at, where the system says so. */
function placeIn(folder: string, cause: unknown): string {
  const path = cause instanceof Error && 'path' in cause ? String(cause.path) : ''
  return path.startsWith(`${folder}/`) && !path.includes('.tmp-') ? ` (${path.slice(folder.length + 1)})` : ''
}

/** The failure of the link that gives a blob its name. */
export function linkFailure(cause: unknown, act: string, folder: string): Failure {
  if (!hasCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) return fileFailure(cause, act, folder)
  return new Failure('unsupported', `${act} in ${folder} failed: no hard links there (${codeOf(cause)})`, {
    cause,
    hint: 'Only with hard links can a blob be created whole and never over another one. Use a folder on ext4, xfs, btrfs, zfs or NFS.',
  })
}

/** Runs a file operation and gives its errors as failures. */
export async function asFailures<Result>(
  act: string,
  folder: string,
  operation: () => Promise<Result>,
): Promise<Result> {
  try {
    return await operation()
  } catch (error) {
    throw fileFailure(error, act, folder)
  }
}
