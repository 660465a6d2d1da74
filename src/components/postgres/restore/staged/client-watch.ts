import type pg from 'pg'
import type { Context } from '../../../../core/ports.ts'
import type { ClientWatch } from '../../../target.ts'
import { connectAsIs, type Server } from '../../connection/connection.ts'

/** Between two questions, in milliseconds; each one that is refused is a line in the server's log. */
const PAUSE = 20
/** For one question, and for the answer after the swap, which is to be noticed for less than a second. */
const ANSWER_LIMIT = 5_000
const QUESTION = { text: 'select 1', query_timeout: ANSWER_LIMIT }

/**
 * A client of a database that asks one question after another and logs in again at once when its session was ended, as
 * applications do. Undefined when it gets no answer to begin with.
 */
export async function watchDatabase(
  server: Server,
  database: string,
  context: Context,
): Promise<ClientWatch | undefined> {
  const client = new AvailabilityProbe(server, database, context)
  return (await client.ping()) ? client.watch() : undefined
}

class AvailabilityProbe {
  readonly #server: Server
  readonly #database: string
  readonly #context: Context
  #session: pg.Client | undefined
  #last = 0
  #longest = 0
  /** When it is no longer waited for an answer; undefined until somebody wants it to end. */
  #deadline: number | undefined

  constructor(server: Server, database: string, context: Context) {
    this.#server = server
    this.#database = database
    this.#context = context
  }

  watch(): ClientWatch {
    const asking = this.#askOn()
    return {
      stop: async () => {
        this.#deadline = this.#context.clock.monotonic() + ANSWER_LIMIT
        const answered = await asking
        await this.#leave()
        return answered ? this.#longest : undefined
      },
      abandon: async () => {
        this.#deadline = 0
        // Ends the question that is open; a login that was under way may bring another session meanwhile.
        await this.#leave()
        await asking
        await this.#leave()
      },
    }
  }

  /** Whether there was an answer. */
  async ping(): Promise<boolean> {
    try {
      this.#session ??= await connectAsIs(this.#server, this.#database, this.#context)
      await this.#session.query(QUESTION)
    } catch {
      // That is what is being watched for.
      void this.#session?.end().catch(() => {})
      this.#session = undefined
      return false
    }
    const now = this.#context.clock.monotonic()
    if (this.#last > 0) this.#longest = Math.max(this.#longest, now - this.#last)
    this.#last = now
    return true
  }

  /** Whether it ended with an answer. */
  async #askOn(): Promise<boolean> {
    while (!this.#context.signal.aborted) {
      const deadline = this.#deadline
      if (deadline !== undefined && this.#context.clock.monotonic() > deadline) return false
      if ((await this.ping()) && deadline !== undefined) return true
      await this.#context.clock.sleep(PAUSE, this.#context.signal).catch(() => {})
    }
    return false
  }

  async #leave(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.end().catch(() => {})
  }
}
