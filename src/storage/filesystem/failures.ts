import { faultOfCode } from '../../core/environment-fault.ts'
import { Failure, toFailure } from '../../core/failure.ts'
import { codeOf, hasCode, isMissing } from '../../system/errno.ts'

const isOneOf =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    hasCode(error, ...codes)

const isFull = isOneOf('ENOSPC', 'EDQUOT')
const isTooLarge = isOneOf('EFBIG')
const isForbidden = isOneOf('EACCES', 'EPERM', 'EROFS')
const isUnreachable = isOneOf(
  'EIO',
  'ESTALE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENOTCONN',
  'EREMOTEIO',
  'ENXIO',
)
const isBlocked = isOneOf('EISDIR', 'ELOOP', 'EEXIST', 'ENOTDIR')
const lacksLinks = isOneOf('EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')

/** An error of the file system as the failure that says what to do about it; `act` reads like `put data/1`. */
export function fileFailure(cause: unknown, act: string, folder: string): Failure {
  if (cause instanceof Failure) return cause
  const code = codeOf(cause)
  if (code === '') return toFailure(cause)
  const facts = { code, folder }
  const told = `${act} in ${folder}${placeIn(folder, cause)}`
  if (isFull(cause)) {
    return new Failure('refused', `${told} failed: no space left (${code})`, {
      cause,
      facts,
      hint: 'Free space or raise the quota, then run it again. Nothing that was stored is affected.',
    })
  }
  if (isTooLarge(cause)) {
    return new Failure('refused', `${told} failed: the file is too large (${code})`, {
      cause,
      facts,
      hint: 'This file system or the process limits the size of a file (ulimit -f). Use another folder or raise the limit.',
    })
  }
  if (isForbidden(cause)) {
    const why = code === 'EROFS' ? 'the medium is read-only' : code
    return new Failure('denied', `${told} is not permitted (${why})`, {
      cause,
      facts,
      hint: 'Check who owns the folder, and that it is not mounted read-only.',
    })
  }
  if (isUnreachable(cause)) {
    return new Failure('unreachable', `${told} failed: the medium does not answer well (${code})`, {
      cause,
      facts,
      hint: 'Check the disk or the network mount.',
    })
  }
  if (isBlocked(cause)) {
    return new Failure('refused', `${told} failed: something else is in its place (${code})`, {
      cause,
      facts,
      hint: 'Move away what was not put there by Holdfast.',
    })
  }
  const fault = faultOfCode(code)
  if (fault === undefined || isMissing(cause))
    return new Failure('unreachable', `${told} failed: ${code}`, { cause, facts })
  return new Failure(fault.kind, `${told} failed: ${fault.what} (${code})`, { cause, facts, hint: fault.hint })
}

/** Which of all that an act looks at, where the system says so. */
function placeIn(folder: string, cause: unknown): string {
  const path = cause instanceof Error && 'path' in cause ? String(cause.path) : ''
  return path.startsWith(`${folder}/`) && !path.includes('.tmp-') ? ` (${path.slice(folder.length + 1)})` : ''
}

/** The failure of the link that gives a blob its name. */
export function linkFailure(cause: unknown, act: string, folder: string): Failure {
  if (!lacksLinks(cause)) return fileFailure(cause, act, folder)
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
