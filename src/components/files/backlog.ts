/**
 * Lets tasks finish in the background, at most `limit` at a time. Many small files are then made durable by few commits
 * of the file system's journal instead of one each. A failure is thrown by the next `add` or `settle`.
 */
export class Backlog {
  readonly #limit: number
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(limit = 32) {
    this.#limit = limit
  }

  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running)
    this.#assertNoFailure()
    const running = task()
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when everything that was added is done. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
    this.#assertNoFailure()
  }

  #assertNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
