/** Signature, flags and the length of an extension: https://www.postgresql.org/docs/current/sql-copy.html, Binary Format. */
const HEAD = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const TRAILER = -1
const NULL = -1

type Next = 'head' | 'row' | 'value' | 'nothing'
const LENGTHS: Readonly<Record<Next, number>> = { head: HEAD.length, row: 2, value: 4, nothing: 1 }

/** Follows COPY's binary format through chunks of any length. Values are passed over, nothing is gathered. */
export class BinaryRows {
  readonly #columns: number
  readonly #word = Buffer.alloc(HEAD.length)
  #gathered = 0
  #next: Next = 'head'
  /** Values of this row that have not come yet. */
  #values = 0
  /** Bytes of this value that have not come yet. */
  #missing = 0

  constructor(columns: number) {
    this.#columns = columns
  }

  /** The trailer was there, and nothing after it. */
  get isWhole(): boolean {
    return this.#next === 'nothing' && this.#gathered === 0
  }

  /** What is wrong, as soon as something is. */
  feed(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.#missing > 0) {
        const passed = Math.min(this.#missing, chunk.length - at)
        this.#missing -= passed
        at += passed
        continue
      }
      this.#word[this.#gathered] = chunk[at] ?? 0
      this.#gathered += 1
      at += 1
      if (this.#gathered < LENGTHS[this.#next]) continue
      this.#gathered = 0
      const mistake = this.#take()
      if (mistake !== undefined) return mistake
    }
    return undefined
  }

  #take(): string | undefined {
    switch (this.#next) {
      case 'head':
        this.#next = 'row'
        return this.#word.equals(HEAD) ? undefined : 'they do not begin as binary rows'
      case 'row':
        return this.#takeRow(this.#word.readInt16BE(0))
      case 'value':
        return this.#takeValue(this.#word.readInt32BE(0))
      case 'nothing':
        return 'something follows the end of the rows'
      default:
        return this.#next satisfies never
    }
  }

  #takeRow(values: number): string | undefined {
    this.#values = values
    this.#next = values === TRAILER ? 'nothing' : 'value'
    if (values === TRAILER || values === this.#columns) return undefined
    return `a row has ${values} values for ${this.#columns} columns`
  }

  #takeValue(length: number): string | undefined {
    if (length < NULL) return `a value has the length ${length}`
    this.#missing = Math.max(0, length)
    this.#values -= 1
    if (this.#values === 0) this.#next = 'row'
    return undefined
  }
}
