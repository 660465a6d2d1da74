import { pMapIterable } from 'p-map'
import type { Client } from '../client/client.ts'
import type { Entry } from './entry.ts'
import type { SecretInfo } from './read-entry.ts'
import { listInfos } from './walk.ts'

/** Secrets that are looked at together: less than one page of metadata has, so that one call gives them all. */
const TOGETHER = 400
/** For fewer in a folder a list is no faster than to ask for each. */
const WORTH_A_LIST = 4
const HELD_BYTES = 4 * 1024 * 1024
/** Groups that are looked up while others are worked on. */
const AHEAD = 2

/** A secret that was captured, and what the server says of the one at its path now, where a list of many gave that. */
export interface Looked {
  readonly entry: Entry
  readonly info: SecretInfo | undefined
}

/** The same secrets in the same order; each with the metadata that one list of its folder gives, or without. */
export async function* withInfos(entries: AsyncIterable<Entry>, client: Client): AsyncGenerator<Looked> {
  const lookUp = (group: readonly Entry[]): Promise<readonly Looked[]> => lookedUp(group, client)
  for await (const group of pMapIterable(groupsOf(entries), lookUp, { concurrency: AHEAD })) yield* group
}

async function lookedUp(group: readonly Entry[], client: Client): Promise<readonly Looked[]> {
  const [first] = group
  const isWorth = first !== undefined && first.kv === 2 && group.length >= WORTH_A_LIST
  const infos = isWorth ? await listInfos(first.mount, folderOf(first), group.map(nameIn), client) : undefined
  return group.map((entry) => ({ entry, info: infos?.get(nameIn(entry)) }))
}

/** Runs of one folder of one mount. */
async function* groupsOf(entries: AsyncIterable<Entry>): AsyncGenerator<readonly Entry[]> {
  let held: Entry[] = []
  let bytes = 0
  for await (const entry of entries) {
    if (held[0] !== undefined && (held.length === TOGETHER || bytes > HELD_BYTES || !isBeside(held[0], entry))) {
      yield held
      held = []
      bytes = 0
    }
    held.push(entry)
    bytes += sizeOf(entry)
  }
  if (held.length > 0) yield held
}

function isBeside(one: Entry, other: Entry): boolean {
  return one.mount === other.mount && one.kv === other.kv && folderOf(one) === folderOf(other)
}

function folderOf({ path }: Entry): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function nameIn({ path }: Entry): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Roughly; strings dominate. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  let size = 0
  for (const [name, inner] of Object.entries(value)) size += name.length + sizeOf(inner)
  return size
}
