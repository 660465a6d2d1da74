import { escapeIdentifier } from 'pg'
import type { Client } from 'pg'
import { accessSteps, databaseSteps } from './dataset/access.ts'
import { constraintSteps } from './dataset/constraints.ts'
import { rowSteps } from './dataset/rows.ts'
import { schemaSteps } from './dataset/schema.ts'
import type { DatasetPlan, DatasetRoles, RowCounts, Step } from './dataset/types.ts'

export interface DatasetOptions {
  /** The size of a plain `pg_dump` of the result, in units of 10^6 bytes, within 15 % from 5 up. */
  readonly megabytes: number
  readonly seed: number
  /** Made with LOGIN and without a password when the server does not have them. */
  readonly roles: DatasetRoles
  readonly progress?: (message: string) => void
}

/**
 * Fills the empty database that `client` is connected to, as a superuser, with what an identity provider keeps: every
 * kind of object that a backup must bring back. The same options give the same rows, types and definitions.
 * The database must be UTF-8. Changes settings of the session, so close it afterwards. When `signal` fires, the session
 * is ended and the server stops working on it within a second.
 */
export async function fillIdentityProvider(
  client: Client,
  options: DatasetOptions,
  signal?: AbortSignal,
): Promise<void> {
  const plan = await planOf(client, options)
  const stop = (): void => void client.end().catch(() => {})
  signal?.throwIfAborted()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await prepare(client, plan)
    await runAll(
      client,
      [...schemaSteps(), ...rowSteps(plan), ...constraintSteps(), ...accessSteps(plan)],
      options,
      signal,
    )
    await client.query('reset role; analyze')
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

async function runAll(
  client: Client,
  steps: readonly Step[],
  options: DatasetOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const step of steps) {
    signal?.throwIfAborted()
    options.progress?.(step.does)
    await client.query(step.sql)
  }
}

async function planOf(client: Client, options: DatasetOptions): Promise<DatasetPlan> {
  const { rows } = await client.query<{ name: string }>('select current_database() as name')
  const database = rows[0]?.name ?? ''
  return {
    seed: options.seed,
    rows: rowCounts(options.megabytes),
    roles: options.roles,
    database,
    firstLargeObject: 4_100_001,
  }
}

/** Rows per 10^6 bytes of plain dump, measured with pg_dump; two thirds of the bytes are events, as in real installations. */
function rowCounts(megabytes: number): RowCounts {
  const per = (rows: number): number => Math.max(8, Math.round(megabytes * rows))
  return {
    accounts: per(100),
    sessions: per(600),
    signIns: per(950),
    auditEvents: per(650),
    certificates: per(120),
    largeObjects: 8,
    largeObjectBlocks: per(20),
  }
}

/** Roles and settings of the session. From here on the owner does everything, and so owns it. */
async function prepare(client: Client, plan: DatasetPlan): Promise<void> {
  await client.query(`set client_connection_check_interval = '200ms'`)
  for (const role of [plan.roles.owner, plan.roles.reader]) {
    const found = await client.query('select from pg_roles where rolname = $1', [role])
    if (found.rowCount === 0) await client.query(`create role ${escapeIdentifier(role)} login`)
  }
  for (const { sql } of databaseSteps(plan)) await client.query(sql)
  const offered = await client.query("select from pg_available_extensions where name = 'pgcrypto'")
  if (offered.rowCount === 1) await client.query('create extension if not exists pgcrypto with schema public')
  await client.query(`set timezone = 'UTC'; set synchronous_commit = off;
    set maintenance_work_mem = '256MB'; set client_min_messages = warning; set search_path = ''`)
  await client.query(`set role ${escapeIdentifier(plan.roles.owner)}`)
}
