import type { Context } from '../../core/ports.ts'
import { LEASES, leasePrefix } from '../names.ts'
import { takeLease } from './lease.ts'
import type { RepositoryState } from '../catalog/state.ts'
import { listed } from '../catalog/sweep.ts'

const SCOPE = 'check-'
const LEFT_AFTER = 24 * 60 * 60 * 1000

/**
 * Takes a lease and gives it back: a create-only write with the rights that a backup will use. Leaves nothing of it, and
 * removes what runs that were killed have left of theirs.
 */
export async function tryLease(state: RepositoryState, id: string, context: Context): Promise<void> {
  const scope = `${SCOPE}${id}`
  await (await takeLease(state, scope, context)).release()
  const before = (await state.storage.now(context.signal)).getTime() - LEFT_AFTER
  for (const { name, modified } of await listed(state, `${LEASES}${SCOPE}`, context.signal))
    if (name.startsWith(leasePrefix(scope)) || modified.getTime() < before)
      await state.storage.remove(name, context.signal)
}
