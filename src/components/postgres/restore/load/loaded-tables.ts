/** Tables in the order in which their rows are there, for whoever goes on with them. */
export class LoadedTables {
  readonly #waiting: string[] = []
  #isComplete = false
  #changed = Promise.withResolvers<void>()

  readonly add = (table: string): void => {
    this.#waiting.push(table)
    this.#wake()
  }

  /** There will be no more, because all are loaded or loading failed. */
  readonly end = (): void => {
    this.#isComplete = true
    this.#wake()
  }

  /** Each table once; waits for the next as long as there may be one. */
  async next(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#isComplete) await this.#changed.promise
    return this.#waiting.shift()
  }

  async ended(): Promise<void> {
    while (!this.#isComplete) await this.#changed.promise
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }
}
