/**
 * `pg_restore: from TOC entry 216; 1259 16390 VIEW public v owner`, which is printed once for an entry with errors. Not only
 * at the start of a line: several processes print at once, each line in pieces, and this piece is whole.
 */
const ENTRY = /from TOC entry (\d+); \d+ \d+ \S/
const ERROR = /error: (?:could not execute query: )?(?:ERROR: +)?(.*)$/
/** Errors that are of no entry have one of these before them. */
const STRAY = /pg_restore: while (?:INITIALIZING|FINALIZING)/
/** Whatever is behind it failed for this, and is not tried again. */
const LOST = /error: .*(?:server closed the connection|terminating connection|no connection to the server)/
const ENDED = /warning: errors ignored on restore: \d+$/
/** More text than this of one error is of no use to people. */
const MOST_TEXT = 1000

/** What one run of pg_restore says of errors. */
export interface RunErrors {
  /** Takes the next piece of its text; pieces may end anywhere. */
  readonly take: (text: string) => void
  /** Whether it came to its end, and every error was of an entry. */
  readonly isWhole: () => boolean
}

/**
 * What pg_restore could not load when it may go on after an error: the number of each entry of the dump, and why. It is
 * read from what pg_restore prints, in which the server's own words stand; an entry that is named there wrongly is only
 * loaded once more, and what was loaded is compared afterwards.
 */
export class FailedEntries {
  readonly #failed = new Map<number, string>()

  /** One run of pg_restore; several may run at once. */
  begin(): RunErrors {
    let [rest, entry, hasEnded, isStray] = ['', 0, false, false]
    const line = (text: string): void => {
      const named = ENTRY.exec(text)?.[1]
      if (named !== undefined) this.add((entry = Number(named)), '')
      else if (STRAY.test(text) || LOST.test(text)) isStray = true
      else if (ENDED.test(text)) hasEnded = true
      else if (this.#failed.get(entry) === '') this.add(entry, ERROR.exec(text)?.[1] ?? '')
    }
    const take = (text: string): void => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(line)
    }
    return { take, isWhole: () => hasEnded && !isStray }
  }

  /** The first error of an entry is the cause of the others. */
  add(entry: number, error: string): void {
    this.#failed.set(entry, this.#failed.get(entry) || error.slice(0, MOST_TEXT))
  }

  /** The entries that failed since this was last asked, and why. */
  drain(): ReadonlyMap<number, string> {
    const drained = new Map(this.#failed)
    this.#failed.clear()
    return drained
  }
}
