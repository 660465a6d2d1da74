import type { Client } from '../client/client.ts'
import type { Entry } from '../kv/entry.ts'
import { nameOf } from '../kv/entry.ts'
import type { KvMount } from '../kv/mounts.ts'
import type { OpenbaoSettings } from '../schema.ts'
import { walk } from '../kv/walk.ts'

/** What a restore brings, and where the settings say so, the deletion of what is there besides. */
export function withExtras(
  entries: () => AsyncIterable<Entry>,
  { pruneExtra }: OpenbaoSettings,
  mounts: Iterable<KvMount>,
  client: Client,
): AsyncIterable<Entry> {
  return pruneExtra ? followedBy(entries(), extrasOf(entries(), mounts, client)) : entries()
}

/** Secrets of these mounts that are not in the list: a restore leaves them, or deletes them when the settings say so. */
async function* extrasOf(
  entries: AsyncIterable<Entry>,
  mounts: Iterable<KvMount>,
  client: Client,
): AsyncGenerator<Extract<Entry, { kv: 'absent' }>> {
  const known = new Set<string>()
  for await (const entry of entries) known.add(nameOf(entry))
  for (const mount of mounts)
    for await (const { folder, secrets } of walk(mount, client))
      for (const name of secrets) {
        const extra = { kv: 'absent', mount: mount.path, path: `${folder}${name}` } as const
        if (!known.has(nameOf(extra))) yield extra
      }
}

/** Both, one after the other. */
async function* followedBy<Item>(first: AsyncIterable<Item>, second: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* first
  yield* second
}
