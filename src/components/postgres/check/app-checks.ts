import type pg from 'pg'
import { describe } from '../../../core/failure.ts'
import type { Difference } from '../../../core/restore-point.ts'
import type { PostgresSettings } from '../schema.ts'

type Check = PostgresSettings['checks'][number]

/**
 * Runs the app's own checks, each in a read only transaction of its own, with the search path that the app would have.
 * A check that fails to run is a difference too.
 */
export async function runAppChecks(client: pg.Client, checks: readonly Check[], limit: number): Promise<Difference[]> {
  const differences: Difference[] = []
  for (const check of checks) {
    const found = await runCheck(client, check, limit)
    if (found !== undefined) differences.push({ subject: `check ${check.name}`, expected: String(check.expect), found })
  }
  return differences
}

/** What was found instead of what is expected. */
async function runCheck(client: pg.Client, check: Check, limit: number): Promise<string | undefined> {
  await client.query(
    `begin transaction read only; set local statement_timeout = ${limit}; set local search_path to default`,
  )
  try {
    // The extended protocol takes one statement only, so a check cannot commit and go on outside the transaction.
    const query = { text: check.sql, rowMode: 'array' as const, queryMode: 'extended' }
    const result = await client.query<unknown[]>(query)
    if (result.rows[0] === undefined) return 'no row'
    const value = result.rows[0][0]
    return matches(value, check.expect) ? undefined : textOf(value)
  } catch (error) {
    return `error: ${describe(error)}`
  } finally {
    await client.query('rollback').catch(() => {})
  }
}

/** Whether a value as the driver gives it (text for bigint and numeric) is what the settings say. */
export function matches(value: unknown, expected: string | number | boolean): boolean {
  if (value === null || value === undefined) return false
  if (typeof expected === 'number') return textOf(value).trim() !== '' && Number(value) === expected
  if (typeof expected === 'boolean') return value === expected
  return textOf(value) === expected
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value instanceof Date ? value.toISOString() : (JSON.stringify(value ?? null) ?? typeof value)
}
