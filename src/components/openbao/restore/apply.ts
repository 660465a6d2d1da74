import { pMapIterable } from 'p-map'
import { describe, Failure, toFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import { applyEntry } from './apply-entry.ts'
import type { ApplyTarget } from './apply-entry.ts'
import type { Client } from '../client/client.ts'
import { nameOf } from '../kv/entry.ts'
import type { Entry } from '../kv/entry.ts'
import { readPlain, readStable, readVersions } from '../kv/read-entry.ts'
import { differencesOf } from './same.ts'
import { withInfos } from '../kv/with-infos.ts'
import type { Looked } from '../kv/with-infos.ts'

const MOST_NAMED = 100
const MOST_DIFFERENCES = 1000

/** Names of the secrets that came back with their newest value only. */
export type Diverged = ReadonlySet<string>

/**
 * Brings every secret to what was captured. One that fails does not keep the others from being tried, and makes the whole
 * `incomplete`, with its name; a server that does not answer any more ends it at once. Nothing is being written any more
 * when this ends: whoever takes back what it did would meet writes that are still on their way.
 */
export async function applyAll(entries: AsyncIterable<Entry>, place: ApplyTarget): Promise<Diverged> {
  const diverged = new Set<string>()
  const failed: string[] = []
  let [count, failures] = [0, 0]
  const running = new Set<Promise<void>>()
  const apply = (looked: Looked): Promise<void> => {
    const act = applyOne(looked).finally(() => running.delete(act))
    running.add(act)
    return act
  }
  const applyOne = async ({ entry, info }: Looked): Promise<void> => {
    count += 1
    try {
      if ((await applyEntry(entry, place, info)) === 'current') diverged.add(nameOf(entry))
    } catch (error) {
      if (isFatal(error, place.context)) throw error
      failures += 1
      if (failed.length < MOST_NAMED) failed.push(`${nameOf(entry)}: ${describe(error)}`)
    }
  }
  try {
    for await (const _done of pMapIterable(lookedAt(entries, place), apply, laneOptions(place.client))) {
      // Reading is what drives it.
    }
  } finally {
    await Promise.allSettled(running)
  }
  if (failures > 0) throw incomplete(count, failures, failed)
  return diverged
}

/** What goes into an empty mount needs no look at what is there. */
async function* lookedAt(
  entries: AsyncIterable<Entry>,
  { client, empty, mounts }: ApplyTarget,
): AsyncGenerator<Looked> {
  if (empty.size < mounts.size) yield* withInfos(entries, client)
  else for await (const entry of entries) yield { entry, info: undefined }
}

function laneOptions(client: Client): { readonly concurrency: number; readonly backpressure: number } {
  return { concurrency: client.workers, backpressure: client.workers * 4 }
}

function isFatal(error: unknown, { signal }: Context): boolean {
  const { kind } = toFailure(error)
  return (
    signal.aborted ||
    kind === 'unreachable' ||
    kind === 'cancelled' ||
    kind === 'bug' ||
    kind === 'corrupt' ||
    !(error instanceof Failure)
  )
}

function incomplete(count: number, failures: number, failed: readonly string[]): Failure {
  const more = failures > failed.length ? `; and ${failures - failed.length} more` : ''
  return new Failure(
    'incomplete',
    `openbao: ${failures} of ${count} secrets could not be restored: ${failed.join('; ')}${more}`,
    {
      hint: 'Repair what is named and restore again: what is already right is left alone.',
      facts: { failed: failures },
    },
  )
}

/** Reads every secret again and compares. At most 1000 differences are named. */
export async function compareAll(
  entries: AsyncIterable<Entry>,
  how: (entry: Entry) => 'versions' | 'current',
  client: Client,
): Promise<Difference[]> {
  const differences: Difference[] = []
  let more = 0
  const compare = async (looked: Looked): Promise<readonly Difference[]> => {
    const { entry } = looked
    const found = differencesOf(entry, await readLooked(looked, client), how(entry))
    // The list can lag behind a writer: only what is read by itself is a difference.
    return found.length === 0 ? found : differencesOf(entry, await readEntry(entry, client), how(entry))
  }
  for await (const found of pMapIterable(withInfos(entries, client), compare, laneOptions(client))) {
    const room = Math.max(0, MOST_DIFFERENCES - differences.length)
    differences.push(...found.slice(0, room))
    more += Math.max(0, found.length - room)
  }
  if (more === 0) return differences
  return [...differences, { subject: 'further secrets', expected: 'no difference', found: `${more} more` }]
}

/** What is there now. */
async function readEntry(entry: Entry, client: Client, version?: 1 | 2): Promise<Entry | undefined> {
  const { mount, path } = entry
  const plain = version === undefined ? entry.kv === 1 : version === 1
  return plain ? readPlain(mount, path, client) : readStable(mount, path, client)
}

/** What is there now, or was when the folder was listed. */
export async function readLooked({ entry, info }: Looked, client: Client, version?: 1 | 2): Promise<Entry | undefined> {
  if (info === undefined) return readEntry(entry, client, version)
  return (await readVersions(entry.mount, entry.path, info, client)) ?? readEntry(entry, client, version)
}
