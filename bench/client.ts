import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { passwordOf } from '../src/components/postgres/connection/connection.ts'
import { systemClock } from '../src/system/clock.ts'
import type { Bench } from './bench.ts'

/** What a client of the application saw. */
export interface Silence {
  /** The longest time between two answers, in seconds. */
  readonly longest: number
  readonly answers: number
}

/** A client that asks one question after the other, and connects again at once when its session ends. */
export interface Watcher {
  stop(): Promise<Silence>
}

const PAUSE = 2
const CONNECT_LIMIT = 2_000

/** Starts a client of the database; resolves when it had its first answer. */
export async function watchDatabase(bench: Bench, database: string): Promise<Watcher> {
  const { host, port, user } = bench.postgres.server
  const password = (await passwordOf(bench.postgres.server)) ?? ''
  const config = { host, port, user, password, database, connectionTimeoutMillis: CONNECT_LIMIT }
  const state = { stopped: false, longest: 0, answers: 0, last: systemClock.monotonic() }
  const first = await connected(config)
  const work = ask(first, config, state, bench.context.signal)
  return {
    stop: async () => {
      state.stopped = true
      await work
      return { longest: state.longest / 1000, answers: state.answers }
    },
  }
}

interface State {
  stopped: boolean
  longest: number
  answers: number
  last: number
}

async function ask(first: Client, config: ClientConfig, state: State, signal: AbortSignal): Promise<void> {
  let client: Client | undefined = first
  while (!state.stopped) {
    try {
      client ??= await connected(config)
      await client.query('select 1')
      const now = systemClock.monotonic()
      state.longest = Math.max(state.longest, now - state.last)
      state.last = now
      state.answers++
    } catch {
      void client?.end().catch(() => {})
      client = undefined
    }
    await systemClock.sleep(PAUSE, signal)
  }
  await client?.end().catch(() => {})
}

async function connected(config: ClientConfig): Promise<Client> {
  const client = new Client(config)
  client.on('error', () => {})
  await client.connect()
  return client
}
