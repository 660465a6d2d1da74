import { rm } from 'node:fs/promises'
import { after } from 'node:test'
import { identifier, withSession } from '../../src/components/postgres/connection/connection.ts'
import type { Server } from '../../src/components/postgres/connection/connection.ts'
import { postgresSettings } from '../../src/components/postgres/schema.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { startServer } from '../../src/components/postgres/private-server/server-process.ts'
import type { PrivateServer } from '../../src/components/postgres/private-server/server-process.ts'
import type { Context } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { systemClock } from '../../src/system/clock.ts'
import { directEffects } from '../../src/system/effects.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'

/** A real PostgreSQL server for tests, with a superuser. */
export interface TestPostgres {
  readonly server: Server
  /** Undefined when the tests were pointed at a server that is not theirs. */
  readonly process: PrivateServer | undefined
  /** Makes an empty database; one of this name is dropped first. */
  createDatabase(name: string, options?: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** Runs SQL, several statements if there are no values, and gives the rows of the last. */
  sql(database: string, text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Settings of a component that backs this database up as the superuser. */
  settings(database: string, over?: Readonly<Record<string, unknown>>): PostgresSettings
}

/** The context of a test: the machine's clock, real effects, nobody cancels. */
export function testContext(over: Partial<Context> = {}): Context {
  return {
    clock: systemClock,
    effects: directEffects,
    signal: new AbortController().signal,
    progress: () => {},
    ...over,
  }
}

let shared: Promise<TestPostgres> | undefined

/**
 * The server of this test file: the one HOLDFAST_TEST_POSTGRES_URL points at, else a private one in a temporary folder
 * that is gone after the last test. To be called at the top of the file: what a test starts ends with that test.
 * Fails with the package to install when there is neither.
 */
export function startPostgres(): Promise<TestPostgres> {
  shared ??=
    process.env['HOLDFAST_TEST_POSTGRES_URL'] === undefined
      ? startPrivate()
      : Promise.resolve(asTestPostgres(serverOf(process.env['HOLDFAST_TEST_POSTGRES_URL']), undefined))
  return shared
}

/** A second server of its own, for tests that kill it or give it settings. Stopped and removed after the last test. */
export async function startPrivate(
  settings: Readonly<Record<string, string>> = {},
  major?: number,
): Promise<TestPostgres> {
  const folder = await makeTemporaryFolder()
  const process = await startServer({
    folder,
    context: testContext(),
    ...(major === undefined ? {} : { major }),
    settings: { max_prepared_transactions: '10', wal_level: 'logical', ...settings },
  })
  after(async () => {
    await process.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return asTestPostgres(process.server, process)
}

/** What tests are given of a server that runs. */
export function asTestPostgres(server: Server, process: PrivateServer | undefined): TestPostgres {
  const sql: TestPostgres['sql'] = async (database, text, values) => {
    const result: unknown = await withSession(server, database, testContext(), (client) =>
      values === undefined ? client.query(text) : client.query(text, [...values]),
    )
    // Several statements give an array of results, one gives its result; both are of the pg library.
    const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: Record<string, unknown>[] }
    return last.rows
  }
  const dropDatabase = async (name: string): Promise<void> =>
    void (await sql('postgres', `drop database if exists ${identifier(name)} with (force)`))
  return {
    server,
    process,
    sql,
    dropDatabase,
    createDatabase: async (name, options = '') => {
      await dropDatabase(name)
      await sql('postgres', `create database ${identifier(name)} ${options}`)
    },
    settings: (database, over = {}) => settingsFor(server, database, over),
  }
}

function settingsFor(server: Server, database: string, over: Readonly<Record<string, unknown>>): PostgresSettings {
  const password = server.password instanceof Secret ? { password: server.password.reveal() } : {}
  return postgresSettings.parse({
    kind: 'postgres',
    host: server.host,
    port: server.port,
    user: server.user,
    tls: server.tls,
    ...password,
    database,
    ...over,
  })
}

/** `postgres://user:password@host:port/`; for a unix socket the host is a percent-encoded folder. */
function serverOf(url: string): Server {
  const { hostname, port, username, password } = new URL(url)
  return {
    host: decodeURIComponent(hostname),
    port: port === '' ? 5432 : Number(port),
    user: decodeURIComponent(username),
    password: password === '' ? undefined : new Secret(decodeURIComponent(password)),
    tls: 'disable',
    tlsCa: undefined,
    through: undefined,
  }
}
