import { createHash } from 'node:crypto'
import { CappedList } from './capped-list.ts'
import { entryLine, type FileEntry } from './entry.ts'
import { escapes, shown, type RawPath } from '../tree/names.ts'
import type { FilesDetails } from '../schema.ts'

type Counted = Omit<FilesDetails, 'path' | 'root' | 'include' | 'exclude'>

/** Everything a capture learns about a folder while it walks it once. */
export class CaptureStats {
  readonly #hash = createHash('sha256')
  readonly #users = new Map<number, string>()
  readonly #groups = new Map<number, string>()
  readonly #escaping = new CappedList(20)
  readonly #omitted = new Map<string, CappedList>()
  #entries = 0
  #files = 0
  #bytes = 0
  #largest = 0

  /** Gives the line of the list. */
  count(entry: FileEntry): string {
    const line = entryLine(entry)
    this.#hash.update(line)
    this.#entries += 1
    if (entry.user !== undefined) this.#users.set(entry.uid, entry.user)
    if (entry.group !== undefined) this.#groups.set(entry.gid, entry.group)
    if (entry.type === 'file') this.#countFile(entry.size)
    if (entry.type === 'symlink' && escapes(entry.path, entry.target))
      this.#escaping.add(`${shown(entry.path)} -> ${shown(entry.target)}`)
    return line
  }

  #countFile(size: number): void {
    this.#files += 1
    this.#bytes += size
    this.#largest = Math.max(this.#largest, size)
  }

  /** Something that is not captured, or not well; `why` is a sentence that the names are appended to. */
  omit(why: string, path: RawPath): void {
    const list = this.#omitted.get(why) ?? new CappedList()
    this.#omitted.set(why, list)
    list.add(shown(path))
  }

  notCaptured(): string[] {
    return [...this.#omitted].map(([why, list]) => `${why}: ${list.toString()}`)
  }

  /** Final: nothing can be counted afterwards. */
  details(): Counted {
    return {
      entries: this.#entries,
      files: this.#files,
      bytes: this.#bytes,
      largestFile: this.#largest,
      entriesSha256: this.#hash.digest('hex'),
      users: named(this.#users),
      groups: named(this.#groups),
      escapingLinks: { count: this.#escaping.count, examples: [...this.#escaping.examples] },
    }
  }
}

function named(names: ReadonlyMap<number, string>): { id: number; name: string }[] {
  return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => a.id - b.id)
}
