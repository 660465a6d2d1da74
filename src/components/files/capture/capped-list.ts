/** Counts everything and keeps the first few as examples, so that reports stay readable and memory bounded. */
export class CappedList {
  readonly #limit: number
  readonly #examples: string[] = []
  count = 0

  constructor(limit = 100) {
    this.#limit = limit
  }

  add(text: string): void {
    this.count += 1
    if (this.#examples.length < this.#limit) this.#examples.push(text)
  }

  get examples(): readonly string[] {
    return this.#examples
  }

  /** For example `a, b and 3 more`. */
  toString(): string {
    const more = this.count - this.#examples.length
    return `${this.#examples.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  }
}
