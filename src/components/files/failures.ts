import { faultOfCode } from '../../core/environment-fault.ts'
import { Failure, type FailureKind } from '../../core/failure.ts'
import { codeOf } from '../../system/files/errno.ts'

/** What the core's words for a fault of the environment do not say of files. */
const kinds: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ENOTDIR: ['refused', 'something that is not a folder is in the way'],
  EBUSY: ['refused', 'it is in use, for example as a mount point'],
  EXDEV: ['refused', 'it is on another file system'],
  EISDIR: ['refused', 'a folder is in the way'],
  ELOOP: ['refused', 'a symbolic link is in the way'],
  ENOTEMPTY: ['refused', 'a folder that is not empty is in the way'],
  EEXIST: ['refused', 'something is in the way'],
}

/** `act` names what was tried with `path`, for example `read`. What is already a Failure stays as it is. */
export function fileFailure(act: string, path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const fault = faultOfCode(codeOf(cause))
  const [kind, why] = kinds[codeOf(cause)] ?? [
    fault?.kind ?? 'toolFailed',
    fault?.what ?? (cause instanceof Error ? cause.message : String(cause)),
  ]
  const hint = kind === 'denied' ? 'Run Holdfast as root or as the owner of the files.' : fault?.hint
  const isSaid = hint !== undefined && kind !== 'notFound'
  return new Failure(kind, `cannot ${act} ${path}: ${why}`, { cause, ...(isSaid ? { hint } : {}) })
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
