import { identifier, withSession } from '../src/components/postgres/connection/connection.ts'
import { fillIdentityProvider } from '../scripts/demo/dataset.ts'
import type { Bench } from './bench.ts'

const SEED = 20_261_122
const ROLES = { owner: 'bench_owner', reader: 'bench_reader' }

/**
 * The name of a database of this size; made unless an earlier run kept one. It gets its name when it is complete, so
 * one that was cut off is never measured.
 */
export async function prepareDatabase(bench: Bench, megabytes: number): Promise<string> {
  const name = `bench_${megabytes}`
  if (await exists(bench, name)) return name
  bench.context.progress({ type: 'phase', phase: 'fill', detail: `making a database of ${megabytes} MB` })
  const unfinished = `${name}_unfinished`
  await sql(bench, `drop database if exists ${identifier(unfinished)} with (force)`)
  await sql(bench, `create database ${identifier(unfinished)} template template0`)
  await withSession(bench.postgres.server, unfinished, bench.context, (client) =>
    fillIdentityProvider(client, { megabytes, seed: SEED, roles: ROLES }, bench.context.signal),
  )
  await sql(bench, `alter database ${identifier(unfinished)} rename to ${identifier(name)}`)
  return name
}

async function exists(bench: Bench, name: string): Promise<boolean> {
  return withSession(bench.postgres.server, 'postgres', bench.context, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    return rowCount === 1
  })
}

/** An empty database for a restore. */
export async function recreateDatabase(bench: Bench, name: string): Promise<void> {
  await sql(bench, `drop database if exists ${identifier(name)} with (force)`)
  await sql(bench, `create database ${identifier(name)} template template0`)
}

export async function dropDatabase(bench: Bench, name: string): Promise<void> {
  await sql(bench, `drop database if exists ${identifier(name)} with (force)`)
}

/** Writes out what earlier work left in the server's memory, so that the next run does not pay for it. */
export async function settle(bench: Bench): Promise<void> {
  await sql(bench, 'checkpoint')
}

async function sql(bench: Bench, text: string): Promise<void> {
  await withSession(bench.postgres.server, 'postgres', bench.context, (client) => client.query(text))
}
