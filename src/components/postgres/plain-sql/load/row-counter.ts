import { BACKSLASH, NEWLINE } from '../lexer/characters.ts'

/** Counts the rows of a COPY block, in chunks of any size: lines, but for those that go on behind a backslash. */
export class RowCounter {
  #rows = 0
  /** Backslashes at the end of the chunk before. */
  #carried = 0

  add(chunk: Buffer): void {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1))
      if (this.#backslashesBefore(chunk, at) % 2 === 0) this.#rows += 1
    this.#carried = this.#backslashesBefore(chunk, chunk.length)
  }

  get rows(): number {
    return this.#rows
  }

  #backslashesBefore(chunk: Buffer, end: number): number {
    let begin = end
    while (begin > 0 && chunk[begin - 1] === BACKSLASH) begin -= 1
    return end - begin + (begin === 0 ? this.#carried : 0)
  }
}
