/** Bare words of a statement that are remembered; what a statement is shows in its first ones. */
const REMEMBERED = 64
const ROUTINE_WORDS = new Set(['create', 'function', 'procedure', 'or', 'replace'])

/**
 * The bare words of the statement being read, and how deep it is in parentheses and in the body of a routine: a
 * semicolon in there does not end the statement. The rules are those of psql.
 */
export class StatementWords {
  #words: string[] = []
  #beginning = ''
  #count = 0
  #parentheses = 0
  #blocks = 0

  add(word: string): void {
    if (this.#parentheses === 0 && this.#words.length < REMEMBERED) this.#words.push(word)
    if (this.#count < 4) this.#beginning += ROUTINE_WORDS.has(word) ? word.charAt(0) : '-'
    this.#count += 1
    if (this.#parentheses === 0 && /^c(?:or)?[fp]/.test(this.#beginning)) this.#track(word)
  }

  /** `BEGIN ATOMIC … END` of a routine; CASE in it also ends with END. */
  #track(word: string): void {
    if (word === 'begin' || (word === 'case' && this.#blocks > 0)) this.#blocks += 1
    else if (word === 'end' && this.#blocks > 0) this.#blocks -= 1
  }

  open(): void {
    this.#parentheses += 1
  }

  close(): void {
    if (this.#parentheses > 0) this.#parentheses -= 1
  }

  get mayEnd(): boolean {
    return this.#parentheses === 0 && this.#blocks === 0
  }

  /** Gives the words and begins anew. */
  take(): readonly string[] {
    const words = this.#words
    this.#words = []
    this.#beginning = ''
    this.#count = 0
    this.#parentheses = 0
    this.#blocks = 0
    return words
  }
}
