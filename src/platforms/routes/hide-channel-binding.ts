import { Transform, type TransformCallback } from 'node:stream'

const AUTHENTICATION = 'R'.charCodeAt(0)
const SASL = 10
/** A message type and the length of the rest. */
const HEADER = 5
const LONGEST = 65_536
const PLUS = 'SCRAM-SHA-256-PLUS'

/**
 * What a PostgreSQL server says, without its offer to bind the login to its TLS: libpq ends a connection that knows of no TLS
 * and gets that offer. Only the first question for a login is looked at. The tunnel itself proves who the server is.
 */
export class HideChannelBinding extends Transform {
  #held = Buffer.alloc(0)
  #isOver = false

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.#isOver) return done(null, chunk)
    this.#held = Buffer.concat([this.#held, chunk])
    this.#pass()
    done()
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held)
  }

  #pass(): void {
    while (!this.#isOver && this.#held.length >= HEADER) {
      const length = 1 + this.#held.readUInt32BE(1)
      if (this.#held.length < length && length <= LONGEST) return
      const message = this.#held.subarray(0, length)
      this.#held = this.#held.subarray(length)
      this.#isOver = message[0] === AUTHENTICATION || length > LONGEST
      this.push(withoutPlus(message))
    }
    if (!this.#isOver || this.#held.length === 0) return
    this.push(this.#held)
    this.#held = Buffer.alloc(0)
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, AuthenticationSASL. */
function withoutPlus(message: Buffer): Buffer {
  if (message[0] !== AUTHENTICATION || message.length < HEADER + 4 || message.readInt32BE(HEADER) !== SASL)
    return message
  const offered = message
    .subarray(HEADER + 4)
    .toString('latin1')
    .split('\0')
    .filter((name) => name !== '')
  const kept = offered.filter((name) => name !== PLUS)
  if (kept.length === 0) return message
  const body = Buffer.from(kept.map((name) => `${name}\0`).join('') + '\0', 'latin1')
  const head = Buffer.from(message.subarray(0, HEADER + 4))
  head.writeUInt32BE(head.length - 1 + body.length, 1)
  return Buffer.concat([head, body])
}
