import type { Duplex } from 'node:stream'
import type pg from 'pg'
import { Failure, OF_ENVIRONMENT } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { CopyMessages } from '../connection/copy-messages.ts'
import { READ_SIZE, ReadingSocket } from '../connection/reading-socket.ts'

/**
 * What the reader gets at once. Small, as the reader hashes it in one go, and meanwhile nobody reads the socket: the server, whose
 * sockets hold some 200 KiB, would wait for us, and we for it.
 */
const BUFFER = 256 * 1024
/** One is with the reader while others fill. */
const BUFFERS = 4

export interface CopyOutOptions {
  /** Milliseconds that the server may be silent while somebody waits for it. */
  readonly idleLimit: number
  /** For errors: what is read. */
  readonly subject: string
  /** Told how many rows there were, once they are all there. */
  readonly onRows?: (rows: bigint) => void
}

/**
 * What a COPY … TO STDOUT gives. A chunk is overwritten once the next is asked for. Ends only when the server said that
 * the statement is complete, and throws the server's error otherwise. A reader that leaves early ends the session,
 * since the rest of the COPY would still be in it.
 */
export async function* copyOut(session: pg.ClientBase, statement: string, options: CopyOutOptions): Bytes {
  const copy = new CopyOut(statement, options)
  session.query(copy)
  try {
    yield* copy.content()
  } finally {
    copy.leave()
  }
}

type DataListener = (chunk: Buffer) => void

/**
 * A statement for the driver, which stands in front of the driver's own reader of messages while rows come. The
 * methods `handle…` are those that the driver calls.
 */
class CopyOut {
  readonly #statement: string
  readonly #options: CopyOutOptions
  readonly #messages = new CopyMessages()
  readonly #ready: { readonly buffer: Buffer<ArrayBuffer>; readonly length: number }[] = []
  readonly #free = Array.from({ length: BUFFERS - 1 }, () => Buffer.allocUnsafeSlow(BUFFER))
  #filling: Buffer<ArrayBuffer> | undefined = Buffer.allocUnsafeSlow(BUFFER)
  #filled = 0
  #stream: Duplex | undefined
  #driver: DataListener | undefined
  #ending: { readonly error?: unknown } | undefined
  #changed = Promise.withResolvers<void>()
  #idle: NodeJS.Timeout | undefined

  constructor(statement: string, options: CopyOutOptions) {
    this.#statement = statement
    this.#options = options
  }

  submit(connection: pg.Connection): void {
    this.#stream = connection.stream
    const [driver, ...others] = this.#stream.listeners('data')
    if (driver === undefined || others.length > 0) throw new Failure('bug', 'the driver reads its connection otherwise')
    // A listener for `data` takes one chunk.
    this.#driver = driver as DataListener
    this.#stream.off('data', this.#driver)
    this.#stream.on('data', this.#take)
    if (this.#stream instanceof ReadingSocket) this.#stream.lend(true)
    connection.query(this.#statement)
  }

  async *content(): Bytes {
    this.#watch()
    for (;;) {
      const ready = this.#ready.shift()
      if (ready !== undefined) {
        const { buffer, length } = ready
        yield buffer.subarray(0, length)
        this.#giveBack(buffer)
      } else if (this.#ending === undefined) {
        await this.#changed.promise
        this.#changed = Promise.withResolvers<void>()
      } else {
        if ('error' in this.#ending) throw this.#ending.error
        return
      }
    }
  }

  leave(): void {
    clearTimeout(this.#idle)
    this.#handBack()
    if (this.#ending === undefined) this.#stream?.destroy()
  }

  /** A chunk always fits: the stream is paused while there is no buffer that it fits in. */
  readonly #take = (chunk: Buffer): void => {
    this.#idle?.refresh()
    const { content, rest } = this.#messages.feed(chunk)
    this.#filling?.set(content, this.#filled)
    this.#filled += content.length
    if (rest !== undefined) return this.#finish(rest)
    if (this.#filled > BUFFER - READ_SIZE) this.#release()
  }

  #release(): void {
    if (this.#filling === undefined) return
    this.#ready.push({ buffer: this.#filling, length: this.#filled })
    this.#filling = this.#free.pop()
    this.#filled = 0
    if (this.#filling === undefined) {
      this.#stream?.pause()
      clearTimeout(this.#idle)
    }
    this.#changed.resolve()
  }

  #giveBack(buffer: Buffer<ArrayBuffer>): void {
    if (this.#filling !== undefined) return void this.#free.push(buffer)
    this.#filling = buffer
    this.#watch()
    this.#stream?.resume()
  }

  #watch(): void {
    const { idleLimit, subject } = this.#options
    if (this.#ending !== undefined) return
    const silent = new Failure('toolFailed', `${subject} was silent for ${idleLimit / 1000} s`, {
      facts: OF_ENVIRONMENT,
    })
    this.#idle = setTimeout(() => {
      this.#end({ error: silent })
      this.#stream?.destroy()
    }, idleLimit)
  }

  /** What is left is for the driver: the end of the statement, or an error. */
  #finish(rest: Buffer): void {
    if (this.#filled > 0) this.#release()
    const driver = this.#handBack()
    this.#stream?.resume()
    driver?.(rest)
  }

  #handBack(): DataListener | undefined {
    const driver = this.#driver
    if (driver === undefined) return undefined
    this.#driver = undefined
    if (this.#stream instanceof ReadingSocket) this.#stream.lend(false)
    this.#stream?.off('data', this.#take)
    this.#stream?.on('data', driver)
    return driver
  }

  #end(ending: { readonly error?: unknown }): void {
    clearTimeout(this.#idle)
    this.#ending ??= ending
    this.#changed.resolve()
  }

  handleError(error: unknown): void {
    this.#handBack()
    this.#end({ error })
  }

  handleReadyForQuery(): void {
    this.#end({})
  }

  /** The server is done with the statement only when it is ready for the next. */
  handleCommandComplete({ text }: { readonly text: string }): void {
    const rows = /^COPY (\d+)$/.exec(text)?.[1]
    if (rows !== undefined) this.#options.onRows?.(BigInt(rows))
  }
}
