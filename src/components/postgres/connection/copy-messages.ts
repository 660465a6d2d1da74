const HEADER = 5
const COPY_DATA = 0x64
/** CopyOutResponse, and what a server may send in between: NoticeResponse, ParameterStatus, NotificationResponse. */
const PASSED_OVER = new Set([0x48, 0x4e, 0x53, 0x41])

export interface CopyPiece {
  /** Content of CopyData messages. Lies in the memory of the chunk that was fed. */
  readonly content: Uint8Array
  /** From the first byte of the message that ended the COPY, well or badly; undefined while it goes on. */
  readonly rest: Buffer | undefined
}

/**
 * Takes the content of CopyData messages out of what a server sends
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html). There is a message for each row, so this
 * runs millions of times in a backup: contents are moved together inside the chunk they came in, nothing is allocated.
 */
export class CopyMessages {
  /** Bytes of the current message that have not come yet. */
  #missing = 0
  #isData = false
  /** The beginning of a header that the last chunk ended in. */
  #held: Buffer = Buffer.alloc(0)

  /** Overwrites `chunk`. After a `rest` was given there is nothing more to feed. */
  feed(chunk: Buffer): CopyPiece {
    let from = 0
    let to = 0
    for (;;) {
      const length = Math.min(this.#missing, chunk.length - from)
      if (this.#isData) {
        if (to !== from) chunk.copyWithin(to, from, from + length)
        to += length
      }
      from += length
      this.#missing -= length
      if (from === chunk.length) return { content: chunk.subarray(0, to), rest: undefined }
      const next = this.#open(chunk, from)
      if (next === undefined) return { content: chunk.subarray(0, to), rest: undefined }
      if (next < 0) return { content: chunk.subarray(0, to), rest: this.#restOf(chunk, from) }
      from = next
    }
  }

  /** Where the body of the next message begins; undefined when its header is not whole yet, -1 when it ends the COPY. */
  #open(chunk: Buffer, from: number): number | undefined {
    if (this.#held.length > 0 || chunk.length - from < HEADER) return this.#openHeld(chunk, from)
    return this.#enter(chunk, from) ? from + HEADER : -1
  }

  #openHeld(chunk: Buffer, from: number): number | undefined {
    const wanted = HEADER - this.#held.length
    const header = Buffer.concat([this.#held, chunk.subarray(from, from + wanted)])
    if (header.length < HEADER) {
      this.#held = header
      return undefined
    }
    if (!this.#enter(header, 0)) return -1
    this.#held = Buffer.alloc(0)
    return from + wanted
  }

  #enter(bytes: Buffer, at: number): boolean {
    const type = bytes[at] ?? 0
    this.#isData = type === COPY_DATA
    if (!this.#isData && !PASSED_OVER.has(type)) return false
    this.#missing = Math.max(0, bytes.readUInt32BE(at + 1) - 4)
    return true
  }

  #restOf(chunk: Buffer, from: number): Buffer {
    return Buffer.concat([this.#held, chunk.subarray(from)])
  }
}
