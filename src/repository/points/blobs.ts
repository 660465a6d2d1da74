import { Failure, isFailure } from '../../core/failure.ts'
import type { Storage } from '../../storage/storage.ts'
import { collect } from '../documents/bytes.ts'
import { DOCUMENT_LIMIT } from '../documents/parse-document.ts'

/** Reads a small blob. Fails with `corrupt` when it is over the limit of documents. */
export async function readBlob(storage: Storage, name: string, signal: AbortSignal): Promise<Buffer> {
  return collect(await storage.get(name, signal), DOCUMENT_LIMIT, name)
}

export async function readBlobIfAny(storage: Storage, name: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await readBlob(storage, name, signal)
  } catch (error) {
    if (isFailure(error, 'notFound')) return undefined
    throw error
  }
}

/**
 * Creates a small blob. A storage may have done what it says has failed: when the blob turns out to be exactly these
 * bytes, this succeeds.
 */
export async function createBlob(
  storage: Storage,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  try {
    await storage.put(name, bytes, signal)
  } catch (error) {
    if (signal.aborted || !(await holds(storage, name, bytes, signal))) throw error
  }
}

/** Creates a small blob that another one is about to be removed for: it is read again before this resolves. */
export async function createCheckedBlob(
  storage: Storage,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  await createBlob(storage, name, bytes, signal)
  if ((await readBlob(storage, name, signal)).equals(bytes)) return
  throw new Failure('corrupt', `${name} is not what was written to ${storage.location}`)
}

/** False also when the blob cannot be read: then the error of the put says more. */
async function holds(storage: Storage, name: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  try {
    return (await readBlob(storage, name, signal)).equals(bytes)
  } catch {
    return false
  }
}

export async function exists(storage: Storage, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await storage.stat(name, signal)
    return true
  } catch (error) {
    if (isFailure(error, 'notFound')) return false
    throw error
  }
}

export async function namesOf(storage: Storage, prefix: string, signal: AbortSignal): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.list(prefix, signal)) names.push(name)
  return names
}
