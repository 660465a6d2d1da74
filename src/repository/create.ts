import { Failure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import type { Storage } from '../storage/storage.ts'
import { randomHex } from '../system/random.ts'
import { createBlob, exists } from './points/blobs.ts'
import type { RepositoryDocument } from './documents/documents.ts'
import { HOLDFAST } from './names.ts'
import { recoveryFiles } from './recovery/recovery-files.ts'

/**
 * Makes an empty repository. Fails with `refused` when there is one already, or a file of another kind is in the way;
 * nothing that exists is changed. A run that died half-way is repeated by calling it again.
 */
export async function createRepository(
  storage: Storage,
  options: { readonly software: string },
  context: Context,
): Promise<RepositoryDocument> {
  const { signal } = context
  if (await exists(storage, HOLDFAST, signal)) throw alreadyThere(storage)
  for (const { name, bytes } of await recoveryFiles()) await createBlob(storage, name, bytes, signal)
  const created = context.clock.now().toISOString()
  const document: RepositoryDocument = { format: 1, repository: randomHex(16), created, software: options.software }
  // Last: what holdfast.json says to be a repository has everything that a repository needs.
  await createBlob(storage, HOLDFAST, Buffer.from(`${JSON.stringify(document)}\n`), signal)
  return document
}

function alreadyThere(storage: Storage): Failure {
  return new Failure('refused', `${storage.location} is a repository already: it has ${HOLDFAST}`, {
    hint: 'Use it as it is, or choose an empty place.',
  })
}
