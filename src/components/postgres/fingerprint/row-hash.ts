import { createHash, hash as hashOf, type Hash } from 'node:crypto'
import type pg from 'pg'
import { copyOut } from '../capture/copy-out.ts'
import { sqlFailure } from '../connection/query.ts'

const NEWLINE = 0x0a
/** As long as a table may take to give its next row; a server that is gone is noticed by then. */
const IDLE_LIMIT = 600_000

/** How many rows a COPY of a table gives, and the sum of their hashes, which does not depend on their order. */
export async function hashRows(
  session: pg.ClientBase,
  statement: string,
  subject: string,
): Promise<{ readonly rows: string; readonly hash: string }> {
  const sum = new RowSum()
  try {
    const options = { idleLimit: IDLE_LIMIT, subject: `the server, asked for the rows of ${subject},` }
    for await (const chunk of copyOut(session, statement, options)) sum.add(chunk)
  } catch (error) {
    throw sqlFailure(error)
  }
  return sum.result()
}

/**
 * Takes rows in COPY's text format, in chunks of any length. There is a newline at the end of each, and nowhere else. A row
 * counts with the first 8 bytes of its SHA-256.
 */
export class RowSum {
  #rows = 0n
  #sum = 0n
  /** Of a row whose beginning came in an earlier chunk. */
  #begun: Hash | undefined

  add(chunk: Uint8Array): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#take(this.#digest(chunk.subarray(from, end)))
      from = end + 1
    }
    if (from === chunk.length) return
    this.#begun ??= createHash('sha256')
    this.#begun.update(chunk.subarray(from))
  }

  #digest(rest: Uint8Array): Buffer {
    if (this.#begun === undefined) return hashOf('sha256', rest, 'buffer')
    const digest = this.#begun.update(rest).digest()
    this.#begun = undefined
    return digest
  }

  #take(digest: Buffer): void {
    this.#rows += 1n
    this.#sum += digest.readBigUInt64BE(0)
  }

  result(): { readonly rows: string; readonly hash: string } {
    return { rows: String(this.#rows), hash: String(this.#sum) }
  }
}
