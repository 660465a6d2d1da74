import { Failure } from '../../../core/failure.ts'
import type { RestoreTarget } from '../../target.ts'
import { withoutSwap } from '../../without-swap.ts'
import type { FilesDetails, InsideSettings } from '../schema.ts'

/** The place of a folder that can only be read: it refuses before anything is stopped. */
export function notRestorable({ path, through }: InsideSettings, why: string): RestoreTarget<FilesDetails> {
  const description = `folder ${path} in ${through.name}`
  const message = `cannot be restored from this host: ${why}`
  const hint = 'Run Holdfast where the volume is mounted, or restore into another folder with --into.'
  return {
    ...withoutSwap(description, path),
    state: () => Promise.resolve('untouched'),
    preflight: () => Promise.resolve([{ level: 'error', subject: description, message, hint }]),
    load: () => Promise.reject(new Failure('unsupported', `${description} ${message}`, { hint })),
    compare: () => Promise.resolve([]),
    discard: () => Promise.resolve(),
  }
}
