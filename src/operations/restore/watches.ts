import type { ClientWatch } from '../../components/target.ts'
import type { OperationContext } from '../app.ts'
import type { ComponentRestore } from './targets.ts'

/** Clients of all that is about to be swapped, as far as they get answers. */
export async function watchAll(
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<readonly ClientWatch[]> {
  const watches = await Promise.all(targets.map(async ({ target }) => target.watch?.(context)))
  return watches.filter((watch) => watch !== undefined)
}

/** The longest silence that any of them saw, in milliseconds; undefined when one was left without an answer. */
export async function stopAll(watches: readonly ClientWatch[]): Promise<number | undefined> {
  const silences = await Promise.all(watches.map((watch) => watch.stop()))
  const known = silences.filter((silence) => silence !== undefined)
  return known.length === 0 || known.length < silences.length ? undefined : Math.max(...known)
}

export async function abandonAll(watches: readonly ClientWatch[]): Promise<void> {
  await Promise.all(watches.map((watch) => watch.abandon()))
}
