/**
 * Runs tasks side by side, as many at once as each says. The first failure is kept until it is asked for or the next task
 * would start, so that none goes unseen and none is thrown while no one waits.
 */
export class BoundedTasks {
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** Waits until fewer than `most` tasks run, then starts this one. Throws when an earlier one failed. */
  async start(most: number, task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= most) await Promise.race(this.#running)
    this.throwFailure()
    const running: Promise<void> = task()
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Waits until no task runs. Never throws. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
