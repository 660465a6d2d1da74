import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { describe } from '../../src/core/failure.ts'
import { systemClock } from '../../src/system/clock.ts'
import { LEDGER_TABLE } from './dataset/types.ts'

/** A row that the server confirmed as committed. */
export interface Acknowledged {
  readonly id: string
  readonly at: Date
}

export interface WriterReport {
  /** In the order in which they were confirmed; the writer waits for each before it sends the next. */
  readonly acknowledged: readonly Acknowledged[]
  /** Sent, but the answer never came: they may be there or not, and nobody was told that they are. */
  readonly unknown: readonly string[]
  /** The longest time in which the application could not write. */
  readonly longestGapMs: number
  /** Each failure once, with how often it came, in the order in which they first came. */
  readonly errors: readonly { readonly message: string; readonly times: number }[]
}

export interface Writer {
  /** What was acknowledged so far. */
  count(): number
  /** Ends the loop, after the row in flight. The time since the last confirmation counts as a gap too. */
  stop(): Promise<WriterReport>
}

/** An application that keeps no connection alive for long would notice a fence within this time. */
const CONNECT_LIMIT = 2_000
const ANSWER_LIMIT = 10_000
const RETRY_AFTER = 5

/**
 * An application: inserts one row per transaction into the ledger of the demo's database, one after the other, and
 * connects again whenever it lost its session. Ids are made here and not by the database, so that a row that was written before a
 * swap and one that was written after it never share one. Fails if the first connection does.
 */
export async function startWriter(connection: ClientConfig): Promise<Writer> {
  const loop = new WriterLoop(connection)
  await loop.start()
  return loop
}

class WriterLoop implements Writer {
  readonly #connection: ClientConfig
  readonly #acknowledged: Acknowledged[] = []
  readonly #unknown: string[] = []
  readonly #errors = new Map<string, number>()
  readonly #stopping = new AbortController()
  #client: Client | undefined
  #longestGap = 0
  #lastAnswer = 0
  #running: Promise<void> = Promise.resolve()

  constructor(connection: ClientConfig) {
    this.#connection = connection
  }

  async start(): Promise<void> {
    this.#client = await this.#connect()
    this.#lastAnswer = systemClock.monotonic()
    this.#running = this.#run()
  }

  count(): number {
    return this.#acknowledged.length
  }

  async stop(): Promise<WriterReport> {
    this.#stopping.abort()
    await this.#running
    this.#noteGap()
    await this.#client?.end().catch((error: unknown) => this.#count(error))
    const errors = Array.from(this.#errors, ([message, times]) => ({ message, times }))
    return { acknowledged: this.#acknowledged, unknown: this.#unknown, longestGapMs: this.#longestGap, errors }
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        this.#client ??= await this.#connect()
        await this.#write(this.#client)
      } catch (error) {
        this.#count(error)
        await this.#leave()
      }
    }
  }

  /** The row counts as acknowledged only after the server's answer to its commit. */
  async #write(client: Client): Promise<void> {
    const id = randomUUID()
    this.#unknown.push(id)
    await client.query(`insert into ${LEDGER_TABLE} (id, writer) values ($1, 'demo')`, [id])
    this.#unknown.pop()
    this.#acknowledged.push({ id, at: systemClock.now() })
    this.#noteGap()
    this.#lastAnswer = systemClock.monotonic()
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      ...this.#connection,
      connectionTimeoutMillis: CONNECT_LIMIT,
      query_timeout: ANSWER_LIMIT,
    })
    // The error of the query in flight says the same; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
    } catch (error) {
      void client.end().catch(() => {})
      throw error
    }
    return client
  }

  async #leave(): Promise<void> {
    void this.#client?.end().catch(() => {})
    this.#client = undefined
    await systemClock.sleep(RETRY_AFTER, this.#stopping.signal).catch(() => {})
  }

  #noteGap(): void {
    this.#longestGap = Math.max(this.#longestGap, systemClock.monotonic() - this.#lastAnswer)
  }

  #count(error: unknown): void {
    const message = describe(error)
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1)
  }
}

/** Those of `ids` that the database of this session does not have. */
export async function checkAcknowledged(client: Client, ids: readonly string[]): Promise<readonly string[]> {
  const sql = `select sent.id::text from unnest($1::uuid[]) with ordinality sent (id, place)
    where not exists (select from ${LEDGER_TABLE} l where l.id = sent.id) order by place`
  const { rows } = await client.query<{ id: string }>(sql, [ids])
  return rows.map(({ id }) => id)
}

export interface SwapCheck {
  /** Written to the database that was swapped out: all of them must be there. */
  readonly beforeSwap: number
  /** Written to the database that is live now. */
  readonly afterSwap: number
  /** In neither database. A restore that loses nothing leaves this empty. */
  readonly lost: readonly string[]
  /** Only in the old database, although a later row is already in the new one: the fence had a hole. */
  readonly behindFence: readonly string[]
}

/**
 * Where the acknowledged rows are after a swap. The first of them that is missing from `previous` was written after
 * the swap; that one and all later ones must be in `live`, all earlier ones in `previous`.
 */
export async function checkSwap(
  databases: { readonly previous: Client; readonly live: Client },
  acknowledged: readonly Acknowledged[],
): Promise<SwapCheck> {
  const ids = acknowledged.map(({ id }) => id)
  const notInPrevious = new Set(await checkAcknowledged(databases.previous, ids))
  const notInLive = new Set(await checkAcknowledged(databases.live, ids))
  const split = ids.findIndex((id) => notInPrevious.has(id))
  const beforeSwap = split === -1 ? ids.length : split
  const later = ids.slice(beforeSwap)
  return {
    beforeSwap,
    afterSwap: later.length,
    lost: later.filter((id) => notInPrevious.has(id) && notInLive.has(id)),
    behindFence: later.filter((id) => !notInPrevious.has(id)),
  }
}
