import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { stringify } from 'yaml'
import { identifier, literal, passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { startServer, type PrivateServer } from '../../src/components/postgres/private-server/server-process.ts'
import type { Context } from '../../src/core/ports.ts'
import { randomHex } from '../../src/system/random.ts'
import { fillIdentityProvider } from './dataset.ts'
import { makeKeyFolder } from './key-folder.ts'

export const APP = 'identity'
const OWNER = 'identity_app'
const READER = 'identity_reader'

/** Everything of one demo: a folder with a private PostgreSQL, an app's data, and a configuration for Holdfast. */
export interface Place {
  readonly folder: string
  readonly postgres: PrivateServer
  readonly keys: string
  readonly configPath: string
  /** How the application logs in: as the owner of its tables, not as a superuser. */
  readonly application: ClientConfig
  /** How the administrator logs in to a database. */
  administrator(database: string): ClientConfig
}

export async function makePlace(megabytes: number, context: Context): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
  // As root, PostgreSQL runs as another user, who has to pass through to its own folder.
  await chmod(folder, 0o711)
  const postgres = await startServer({ folder: join(folder, 'postgres'), context })
  const { host, port, user } = postgres.server
  const password = (await passwordOf(postgres.server)) ?? ''
  const administrator = (database: string): ClientConfig => ({ host, port, user, password, database })
  const ownerPassword = randomHex(12)
  await fill(administrator, ownerPassword, megabytes, context.signal)
  const keys = join(folder, 'keys')
  await makeKeyFolder(keys)
  const configPath = await writeConfig(folder, keys, { host, port, user, password })
  return {
    folder,
    postgres,
    keys,
    configPath,
    administrator,
    application: { host, port, user: OWNER, password: ownerPassword, database: APP },
  }
}

async function fill(
  administrator: Place['administrator'],
  ownerPassword: string,
  megabytes: number,
  signal: AbortSignal,
): Promise<void> {
  await withClient(administrator('postgres'), (client) => client.query(`create database ${identifier(APP)}`))
  await withClient(administrator(APP), (client) =>
    fillIdentityProvider(client, { megabytes, seed: 1, roles: { owner: OWNER, reader: READER } }, signal),
  )
  await withClient(administrator('postgres'), (client) =>
    client.query(`alter role ${identifier(OWNER)} password ${literal(ownerPassword)}`),
  )
}

/** What an operator would write; docs/use/configuration.md explains every key. */
async function writeConfig(
  folder: string,
  keys: string,
  server: { host: string; port: number; user: string; password: string },
): Promise<string> {
  const { password, ...login } = server
  await writeFile(join(folder, 'database-password'), password, { mode: 0o600 })
  const config = {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'holdfast-keys', 'signing.key')}`,
    identity: `file:${join(folder, 'holdfast-keys', 'identity.txt')}`,
    signers: [],
    repositories: { local: { url: `file://${join(folder, 'repository')}`, recipients: [] } },
    apps: {
      [APP]: {
        repositories: ['local'],
        retention: { last: 2, minimum: 1 },
        components: {
          database: {
            kind: 'postgres',
            ...login,
            password: `file:${join(folder, 'database-password')}`,
            database: APP,
            checks: [{ name: 'there are accounts', sql: 'select count(*) > 0 from idp.accounts', expect: true }],
          },
          keys: { kind: 'files', path: keys },
        },
      },
    },
  }
  const path = join(folder, 'holdfast.yaml')
  await writeFile(path, stringify(config), { mode: 0o600 })
  return path
}

export async function withClient<Result>(
  config: ClientConfig,
  act: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client(config)
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}
