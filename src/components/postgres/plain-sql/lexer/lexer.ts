import * as is from './characters.ts'
import { copiesFromInput, encodingAfter, standardStringsAfter } from './classify.ts'
import { enclosureNames, findEnd } from './enclosures.ts'
import type { Enclosure } from './enclosures.ts'
import type { Line, Piece, Statement } from './pieces.ts'
import { cutOff, refusedAt } from './refusals.ts'
import { findRows } from '../rows.ts'
import { StatementWords } from './statement-words.ts'

const STATEMENT_LIMIT = 32 * 1024 * 1024
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** A piece, or that the lexer went on, or that it cannot without more bytes. */
type Step = Piece | 'on' | 'more'

/**
 * Splits the plain SQL of pg_dump as the server's own lexer would: bytes go in with `push` in chunks of any size and `end`,
 * pieces come out of `next` until it gives undefined. The pieces do not depend on where chunks end (only rows are cut there). It
 * holds one statement at most, and no rows. Fails with the byte offset: `corrupt` when the text stops in the middle of
 * something, `refused` for a backslash within SQL and for a statement over the limit.
 */
export class SqlLexer {
  readonly #limit: number
  readonly #words = new StatementWords()
  #bytes: Buffer = Buffer.alloc(0)
  /** Where `#bytes` are, if they are in memory of our own. */
  #storage: Buffer | undefined
  /** The offset of the first of `#bytes`. */
  #base = 0
  #at = 0
  #last = false
  /** Where the statement begins; -1 between statements. */
  #begin = -1
  #enclosure: Enclosure | undefined
  /** Behind the last E'…': a string that continues it in another line has escapes too. */
  #escapesEnd = -1
  #standardStrings = true
  #encoding = 'UTF8'
  #lineBegins = true
  #reading: 'mark' | 'sql' | 'end of line' | 'rows' = 'mark'

  constructor(limit = STATEMENT_LIMIT) {
    this.#limit = limit
  }

  push(chunk: Uint8Array): void {
    const kept = this.#kept()
    if (this.#bytes.length - kept > this.#limit) throw this.#tooLong(kept)
    this.#append(kept, chunk)
    this.#base += kept
    this.#at -= kept
    this.#escapesEnd -= kept
    if (this.#begin >= 0) this.#begin -= kept
    if (this.#enclosure !== undefined) this.#enclosure = { ...this.#enclosure, from: this.#enclosure.from - kept }
  }

  end(): void {
    this.#last = true
  }

  /**
   * What is kept grows in place and to twice the size when it must move, else a long statement in small chunks would be copied with
   * each of them. Bytes that were given out are never written again.
   */
  #append(kept: number, chunk: Uint8Array): void {
    const rest = this.#bytes.subarray(kept)
    const length = rest.length + chunk.length
    const begin = this.#storage === undefined ? 0 : rest.byteOffset - this.#storage.byteOffset
    if (rest.length === 0) {
      this.#storage = undefined
      this.#bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    } else if (this.#storage !== undefined && begin + length <= this.#storage.length) {
      this.#storage.set(chunk, begin + rest.length)
      this.#bytes = this.#storage.subarray(begin, begin + length)
    } else {
      this.#storage = Buffer.alloc(2 * length)
      this.#storage.set(rest)
      this.#storage.set(chunk, rest.length)
      this.#bytes = this.#storage.subarray(0, length)
    }
  }

  next(): Piece | undefined {
    for (;;) {
      const step = this.#step()
      if (typeof step === 'object') return step
      if (step === 'on') continue
      if (this.#last) this.#assertComplete()
      return undefined
    }
  }

  #step(): Step {
    switch (this.#reading) {
      case 'mark':
        return this.#skipMark()
      case 'end of line':
        return this.#skipLine()
      case 'rows':
        return this.#nextRows()
      case 'sql':
        return this.#enclosure === undefined ? this.#plain() : this.#enclosed(this.#enclosure)
    }
  }

  #kept(): number {
    if (this.#begin >= 0) return this.#begin
    return this.#enclosure?.kind === 'line' ? this.#enclosure.from : this.#at
  }

  #skipMark(): Step {
    if (this.#bytes.length < BYTE_ORDER_MARK.length && !this.#last) return 'more'
    if (this.#bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) this.#at = 3
    this.#reading = 'sql'
    return 'on'
  }

  /** Reads one token outside of quotes and comments. */
  #plain(): Step {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return 'more'
    if (is.isBlank(byte)) return this.#blank(byte)
    const begins = this.#lineBegins
    this.#lineBegins = false
    if (byte === is.MINUS || byte === is.SLASH || byte === is.DOLLAR)
      return this.#needing(begins, () => this.#pair(byte))
    if (is.beginsWord(byte)) return this.#needing(begins, () => this.#word())
    if (byte === is.BACKSLASH) return this.#needing(begins, () => this.#command(begins))
    this.#enter()
    this.#at += 1
    if (byte === is.SEMICOLON) return this.#words.mayEnd ? this.#statement() : 'on'
    if (byte === is.SINGLE) this.#open({ kind: 'string', escapes: this.#quoteEscapes(), from: this.#at - 1 })
    else if (byte === is.DOUBLE) this.#open({ kind: 'identifier', from: this.#at - 1 })
    else if (byte === is.OPEN) this.#words.open()
    else if (byte === is.CLOSE) this.#words.close()
    return 'on'
  }

  /** A token that cannot be told yet is read again from its start. */
  #needing(begins: boolean, read: () => Step): Step {
    const step = read()
    if (step === 'more') this.#lineBegins = begins
    return step
  }

  #blank(byte: number): Step {
    this.#lineBegins = byte === is.NEWLINE
    this.#at += 1
    return 'on'
  }

  /** A statement begins with its first token. */
  #enter(): void {
    if (this.#begin < 0) this.#begin = this.#at
  }

  #open(enclosure: Enclosure): Step {
    this.#enclosure = enclosure
    return 'on'
  }

  /** `--`, a comment, a dollar quote, or just an operator or a parameter. */
  #pair(byte: number): Step {
    const from = this.#at
    const next = this.#bytes[from + 1]
    if (next === undefined && !this.#last) return 'more'
    if (byte === is.DOLLAR) return this.#dollar(from)
    const opens = byte === is.MINUS ? next === is.MINUS : next === is.STAR
    if (!opens) this.#enter()
    this.#at += opens ? 2 : 1
    if (!opens) return 'on'
    return this.#open(byte === is.MINUS ? { kind: 'line', from } : { kind: 'comment', depth: 1, from })
  }

  #dollar(from: number): Step {
    let end = from + 1
    while (is.continuesTag(this.#bytes[end])) end += 1
    if (end === this.#bytes.length && !this.#last) return 'more'
    this.#enter()
    const quotes = this.#bytes[end] === is.DOLLAR && !is.isDigit(this.#bytes[from + 1])
    this.#at = quotes ? end + 1 : from + 1
    return quotes ? this.#open({ kind: 'dollar', tag: Buffer.from(this.#bytes.subarray(from, end + 1)), from }) : 'on'
  }

  #word(): Step {
    let end = this.#at
    while (is.continuesWord(this.#bytes[end])) end += 1
    if (end === this.#bytes.length && !this.#last) return 'more'
    this.#enter()
    const word = this.#bytes.toString('latin1', this.#at, end).toLowerCase()
    this.#words.add(word)
    const quote = this.#bytes[end] === is.SINGLE
    const from = this.#at
    // Of E'…' backslashes are escapes, of B'…' and X'…' never, of N'…' as of a plain string.
    if (quote && word === 'e') return this.#openString(end, { kind: 'string', escapes: true, from })
    if (quote && (word === 'b' || word === 'x')) return this.#openString(end, { kind: 'string', escapes: false, from })
    this.#at = end
    return 'on'
  }

  #openString(quote: number, enclosure: Enclosure): Step {
    this.#at = quote + 1
    return this.#open(enclosure)
  }

  #quoteEscapes(): boolean {
    if (!this.#standardStrings) return true
    if (this.#escapesEnd < 0 || this.#at - this.#escapesEnd > 1000) return false
    return /^\s*\n\s*$/.test(this.#bytes.toString('latin1', this.#escapesEnd, this.#at - 1))
  }

  #command(begins: boolean): Step {
    if (this.#begin >= 0 || !begins) throw refusedAt(this.#base + this.#at, 'a backslash outside of quotes')
    const end = this.#bytes.indexOf(is.NEWLINE, this.#at)
    if (end < 0 && !this.#last) return 'more'
    return this.#line('command', this.#at, end < 0 ? this.#bytes.length : end)
  }

  #line(type: Line['type'], from: number, end: number): Line {
    this.#at = end
    return {
      type,
      offset: this.#base + from,
      line: this.#bytes.toString('utf8', from, end).trimEnd(),
      bytes: this.#bytes.toString('latin1', from, end).trimEnd(),
      ended: end < this.#bytes.length,
    }
  }

  #enclosed(enclosure: Enclosure): Step {
    const found = findEnd(this.#bytes, this.#at, enclosure, this.#last)
    if ('lookAgain' in found) {
      this.#at = found.lookAgain
      this.#enclosure = found.enclosure
      return 'more'
    }
    this.#at = found.end
    this.#enclosure = undefined
    if (enclosure.kind === 'string' && enclosure.escapes) this.#escapesEnd = this.#at
    return enclosure.kind === 'line' && this.#begin < 0 ? this.#line('comment', enclosure.from, found.end) : 'on'
  }

  #statement(): Step {
    const [begin, offset] = [this.#begin, this.#base + this.#begin]
    const text = this.#bytes.subarray(begin, this.#at)
    const words = this.#words.take()
    this.#begin = -1
    this.#escapesEnd = -1
    if (text.length === 1) return 'on'
    if (text.length > this.#limit) throw this.#tooLong(begin)
    if (text.includes(0)) throw refusedAt(offset + text.indexOf(0), 'a zero byte, which no SQL text holds')
    this.#standardStrings = standardStringsAfter(text, words, this.#standardStrings)
    this.#encoding = encodingAfter(text, words, this.#encoding)
    const copies = copiesFromInput(words)
    const statement: Statement = { type: 'statement', offset, text, words, encoding: this.#encoding, copies }
    if (statement.copies) this.#reading = 'end of line'
    return statement
  }

  /** Rows begin in the line after the statement. */
  #skipLine(): Step {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return 'more'
    if (!is.isBlank(byte)) throw refusedAt(this.#base + this.#at, 'text between a COPY statement and its rows')
    this.#at += 1
    if (byte === is.NEWLINE) {
      this.#reading = 'rows'
      this.#lineBegins = true
    }
    return 'on'
  }

  #nextRows(): Step {
    const from = this.#at
    const { rows, end, odd } = findRows(this.#bytes, from, this.#lineBegins, this.#last)
    if (rows > from) {
      this.#at = rows
      this.#lineBegins = this.#bytes[rows - 1] === is.NEWLINE
      return { type: 'rows', offset: this.#base + from, rows: this.#bytes.subarray(from, rows) }
    }
    if (odd) throw cutOff(this.#base + from, 'the end line of COPY rows goes on after the dot')
    if (end === undefined) return 'more'
    this.#at = end
    this.#reading = 'sql'
    this.#lineBegins = true
    return { type: 'rowsEnd', offset: this.#base + from }
  }

  /** Nothing may be open at the end of the text. */
  #assertComplete(): void {
    const end = this.#base + this.#bytes.length
    if (this.#reading === 'rows' || this.#reading === 'end of line')
      throw cutOff(end, 'the text ends within the rows of a COPY statement, before their last line \\.')
    if (this.#enclosure !== undefined)
      throw cutOff(
        end,
        `the text ends within ${enclosureNames[this.#enclosure.kind]} that begins at byte ${this.#base + this.#enclosure.from}`,
      )
    if (this.#begin >= 0)
      throw cutOff(end, `the text ends within the statement that begins at byte ${this.#base + this.#begin}`)
  }

  #tooLong(begin: number): Error {
    const what = `a statement of more than ${this.#limit} bytes`
    return refusedAt(this.#base + begin, what, 'Make the dump with COPY (without --inserts), or in the custom format.')
  }
}
