/** Answers in a row without a complaint after which one more request is let through at once. */
const GROW_AFTER = 50

/**
 * How many requests may run at once. Half as many after the server said that it is too much, one more after a while
 * without complaint, never more than the setting.
 */
export class Limiter {
  readonly #most: number
  #allowed: number
  #running = 0
  #calm = 0
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
    this.#allowed = most
  }

  get allowed(): number {
    return this.#allowed
  }

  async run<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#allowed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await act()
    } finally {
      this.#running -= 1
      this.#wake()
    }
  }

  /** The server said 429. */
  slower(): void {
    this.#calm = 0
    this.#allowed = Math.max(1, Math.floor(this.#allowed / 2))
  }

  calm(): void {
    this.#calm += 1
    if (this.#calm < GROW_AFTER || this.#allowed >= this.#most) return
    this.#calm = 0
    this.#allowed += 1
    this.#wake()
  }

  #wake(): void {
    while (this.#running < this.#allowed) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#running += 1
      next()
    }
  }
}
