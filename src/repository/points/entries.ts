import { describe, isFailure } from '../../core/failure.ts'
import type { OtherEntry, Storage } from '../../storage/storage.ts'
import { exists } from './blobs.ts'
import { HOLDFAST } from '../names.ts'

/** What is under a prefix: blobs, and what is in the way of some. */
export interface Entries {
  readonly names: readonly string[]
  readonly others: readonly OtherEntry[]
}

/** A listing in which one entry that cannot be looked at does not hide the others. */
export async function entriesOf(storage: Storage, prefix: string, signal: AbortSignal): Promise<Entries> {
  const names: string[] = []
  // A listing that breaks is begun again.
  const others = new Map<string, OtherEntry>()
  const onOther = (other: OtherEntry): void => void others.set(`${other.name} ${other.what}`, other)
  for await (const { name } of storage.list(prefix, signal, { onOther })) names.push(name)
  return { names, others: [...others.values()] }
}

/**
 * Why one blob cannot be read, as a sentence. Throws on what is wrong with more than this one: a cancellation, or a storage that
 * does not answer any more.
 */
export async function whyUnread(storage: Storage, name: string, error: unknown, signal: AbortSignal): Promise<string> {
  if (signal.aborted || isFailure(error, 'cancelled')) throw error
  if (isFailure(error, 'unreachable')) await exists(storage, HOLDFAST, signal)
  return describe(error).includes(name) ? describe(error) : `${name}: ${describe(error)}`
}
