import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { isRoot } from '../../../system/process/accounts.ts'
import { randomHex } from '../../../system/random.ts'
import { connect, identifier, literal } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import { EVERYONE, LOADER, SUPERUSER } from '../plain-sql/roles.ts'
import { query } from '../connection/query.ts'
import { startServer } from '../private-server/server-process.ts'
import type { PrivateServer } from '../private-server/server-process.ts'

/** Others may pass through a folder, but not list it. */
const ENTER_ONLY = 0o711

/** A server that only holds an imported dump, with the role that loads and reads it. */
export interface ThrowAway {
  readonly superuser: Server
  readonly loader: Server
  readonly password: Secret
  readonly version: number
  /** A session of the superuser outside of the dump's database. */
  readonly admin: pg.Client
  close(): Promise<void>
}

export interface ThrowAwayOptions {
  readonly scratchFolder: string
  /** Of this major or the smallest newer one; 0 takes the newest. */
  readonly major: number
  /** Of the dump's database: names of roles are bytes of the encoding in which they are made. */
  readonly encoding: string
  readonly trusted: boolean
}

export async function startThrowAway(options: ThrowAwayOptions, context: Context): Promise<ThrowAway> {
  const folder = join(options.scratchFolder, 'postgres-import')
  // As root the server runs as another user, who must reach its folder through the private one.
  if (isRoot()) await context.effects.run('let import server in', () => chmod(options.scratchFolder, ENTER_ONLY))
  const major = options.major === 0 ? {} : { major: options.major }
  const { encoding } = options
  const running = await startServer({ folder, context, superuser: SUPERUSER, encoding, ...major })
  try {
    return await equip(running, options, context)
  } catch (error) {
    await end(running, undefined, context)
    throw error
  }
}

async function equip(running: PrivateServer, { trusted }: ThrowAwayOptions, context: Context): Promise<ThrowAway> {
  const { server: superuser, version } = running
  const password = new Secret(randomHex(24))
  const admin = await connect(superuser, 'template1', context)
  const rights = trusted ? 'superuser' : 'bypassrls'
  await context.effects.run('sql CREATE ROLE import', async () => {
    await query(admin, z.unknown(), `create role ${LOADER} login ${rights} password ${literal(password.reveal())}`)
    await query(admin, z.unknown(), `create role ${EVERYONE} nologin in role pg_read_all_data`)
  })
  const close = (): Promise<void> => end(running, admin, context)
  return { superuser, loader: { ...superuser, user: LOADER, password }, password, version, admin, close }
}

/** Works after a cancellation, too. */
async function end(running: PrivateServer, admin: pg.Client | undefined, context: Context): Promise<void> {
  await admin?.end().catch(() => {})
  await running.stop()
  await context.effects.run('remove import server', () => rm(running.folder, { recursive: true, force: true }))
}

export interface NewDatabase {
  readonly name: string
  readonly encoding: string
  /** Clauses of CREATE DATABASE, empty for the server's default. */
  readonly locale: string
}

/** Makes the database; gives why its locale is not the one asked for, if it is not. */
export async function createDatabase(
  server: ThrowAway,
  wanted: NewDatabase,
  context: Context,
): Promise<string | undefined> {
  const { name, encoding, locale } = wanted
  if (/^template[01]$/.test(name))
    throw new Failure('usage', `database ${name} is no database of an app`, {
      hint: 'Name another one with --database.',
    })
  const create = (clauses: string): Promise<unknown> =>
    query(
      server.admin,
      z.unknown(),
      `create database ${identifier(name)} owner ${LOADER} template template0 encoding ${literal(encoding)} ${clauses}`,
    )
  return context.effects.run('sql CREATE DATABASE import', async () => {
    // The one every new server has; its own name must be free.
    await query(server.admin, z.unknown(), 'drop database if exists postgres')
    try {
      await create(locale)
      return undefined
    } catch (error) {
      if (locale === '') throw error
      await create(defaultLocale(encoding))
      return `the locale of database ${name} (${locale}): ${describe(error)}`
    }
  })
}

/** The server's own default fits UTF-8 only. */
export function defaultLocale(encoding: string): string {
  return /^utf-?8$/i.test(encoding) ? '' : `locale 'C'`
}
