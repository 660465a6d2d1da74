import { isFailure, type Failure } from '../../core/failure.ts'
import type { PointReader, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { openWith } from '../source.ts'

/** A point that was opened, or what of it is damaged so that nobody can open it. */
export type Opening =
  | { readonly reader: PointReader; readonly damage?: undefined }
  | { readonly reader?: undefined; readonly damage: Failure }

/**
 * Opens a point of which something is to be found out. Damage that keeps it closed is a finding about the point like any other;
 * a wrong key, missing rights or a storage that does not answer are none, and fail.
 */
export async function openForProof(repository: Repository, point: string, context: OperationContext): Promise<Opening> {
  // Outside: a private key that is damaged says nothing about the point.
  const identities = await context.identities()
  try {
    return { reader: await openWith(repository, point, identities, context) }
  } catch (error) {
    if (!isFailure(error, 'corrupt')) throw error
    return { damage: error }
  }
}
