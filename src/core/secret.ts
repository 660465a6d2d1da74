const REDACTED = '[secret]'
const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that cannot be printed: string conversion, JSON and console output all give `[secret]`.
 * `reveal()` is the only way to the value; call it at the moment of use and keep the result nowhere.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect](): string {
    return REDACTED
  }
}
