import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import type { Server } from '../../src/components/postgres/connection/connection.ts'
import { Secret } from '../../src/core/secret.ts'

/** How a client of an application connects. */
export function clientConfig({ host, port, user, password }: Server, database: string): ClientConfig {
  return { host, port, user, database, password: password instanceof Secret ? password.reveal() : '' }
}

/** A connected client whose session may be ended by others. */
export async function connectClient(config: ClientConfig): Promise<Client> {
  const client = new Client(config)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** A write that the server acknowledged, and when. */
export interface Acknowledged {
  readonly n: number
  readonly at: number
}

/** A client that writes one row after the other into `table` and comes back at once whenever its session ends. */
export class EagerWriter {
  readonly acknowledged: Acknowledged[] = []
  readonly errors = new Set<string>()
  readonly #config: ClientConfig
  readonly #table: string
  readonly #done: Promise<void>
  #next: number
  #stopped = false

  constructor(config: ClientConfig, table: string, first: number) {
    this.#config = config
    this.#table = table
    this.#next = first
    this.#done = this.#run()
  }

  /** The longest time between two writes that were acknowledged, in milliseconds. */
  get longestGap(): number {
    return Math.max(0, ...this.acknowledged.slice(1).map(({ at }, index) => at - (this.acknowledged[index]?.at ?? at)))
  }

  /** Resolves when this many more writes were acknowledged. */
  async more(count: number, limit = 30_000): Promise<void> {
    const wanted = this.acknowledged.length + count
    const deadline = performance.now() + limit
    while (this.acknowledged.length < wanted) {
      if (performance.now() > deadline) throw new Error(`no writes any more: ${[...this.errors].join('; ')}`)
      await sleep(5)
    }
  }

  async stop(): Promise<readonly Acknowledged[]> {
    this.#stopped = true
    await this.#done
    return this.acknowledged
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const client = new Client({ ...this.#config, connectionTimeoutMillis: 2_000, query_timeout: 2_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!this.#stopped) {
          const n = this.#next++
          await client.query(`insert into ${this.#table} values ($1)`, [n])
          this.acknowledged.push({ n, at: performance.now() })
        }
      } catch (error) {
        this.errors.add(String(error))
        await sleep(2)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
}
