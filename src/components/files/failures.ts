import { Failure, type FailureKind } from '../../core/failure.ts'

/** The code of an error of the file system, for example `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

const kinds: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ENOENT: ['notFound', 'it is not there'],
  EACCES: ['denied', 'permission denied'],
  EPERM: ['denied', 'operation not permitted'],
  EROFS: ['denied', 'the file system is read-only'],
  ENOSPC: ['refused', 'no space left on the device'],
  EDQUOT: ['refused', 'the disk quota is used up'],
  EBUSY: ['refused', 'it is in use, for example as a mount point'],
  EXDEV: ['refused', 'it is on another file system'],
  EISDIR: ['refused', 'a folder is in the way'],
  ENOTDIR: ['refused', 'something that is not a folder is in the way'],
  ELOOP: ['refused', 'a symbolic link is in the way'],
  ENOTEMPTY: ['refused', 'a folder that is not empty is in the way'],
  EEXIST: ['refused', 'something is in the way'],
  EIO: ['unreachable', 'the medium reports an error'],
  ESTALE: ['unreachable', 'the network file system lost it'],
}

const hints: Partial<Record<FailureKind, string>> = {
  denied: 'Run Holdfast as root or as the owner of the files.',
}

/** `act` names what was tried with `path`, for example `read`. What is already a Failure stays as it is. */
export function fileFailure(act: string, path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const [kind, why] = kinds[codeOf(cause)] ?? ['toolFailed', cause instanceof Error ? cause.message : String(cause)]
  const hint = codeOf(cause).startsWith('ENOSPC')
    ? 'Free some space on that file system and run it again.'
    : hints[kind]
  return new Failure(kind, `cannot ${act} ${path}: ${why}`, { cause, ...(hint === undefined ? {} : { hint }) })
}

/** Runs `task`; an error of the file system becomes the Failure that names act and path. */
export async function naming<Result>(act: string, path: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task()
  } catch (error) {
    throw fileFailure(act, path, error)
  }
}

export function assertRunning(signal: AbortSignal): void {
  if (signal.aborted) throw new Failure('cancelled', 'cancelled', { cause: signal.reason })
}
