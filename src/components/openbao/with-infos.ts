import type { Client } from './client.ts'
import type { Entry } from './entry.ts'
import type { SecretInfo } from './read-entry.ts'
import { listInfos } from './walk.ts'

/** Secrets that are looked at together: less than one page of metadata has, so that one call gives them all. */
const TOGETHER = 400
/** For fewer in a folder a list is no faster than to ask for each. */
const WORTH_A_LIST = 4
const HELD_BYTES = 8 * 1024 * 1024

/** A secret that was captured, and what the server says of the one at its path now, where a list of many gave that. */
export interface Looked {
  readonly entry: Entry
  readonly info: SecretInfo | undefined
}

/** The same secrets in the same order; each with the metadata that one list of its folder gives, or without. */
export async function* withInfos(entries: AsyncIterable<Entry>, client: Client): AsyncGenerator<Looked> {
  for await (const group of groupsOf(entries)) {
    const [first] = group
    const isWorth = first !== undefined && first.kv === 2 && group.length >= WORTH_A_LIST
    const infos = isWorth ? await listInfos(first.mount, folderOf(first), group.map(nameIn), client) : undefined
    for (const entry of group) yield { entry, info: infos?.get(nameIn(entry)) }
  }
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

/** Roughly; what is read is a string or a few. */
function sizeOf(entry: Entry): number {
  return entry.kv === 'absent' ? 0 : JSON.stringify(entry.kv === 1 ? entry.data : entry.versions).length
}
