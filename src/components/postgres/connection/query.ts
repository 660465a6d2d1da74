import type pg from 'pg'
import { z } from 'zod'
import { faultInWords, faultOfCode, type EnvironmentFault } from '../../../core/environment-fault.ts'
import { describe, Failure } from '../../../core/failure.ts'

/** Runs one statement and gives its rows, each checked by `row`. Fails with what the caller should do, not with SQL. */
export async function query<Row>(
  client: pg.ClientBase,
  row: z.ZodType<Row>,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const result = await client.query<Record<string, unknown>>(text, [...values]).catch((error: unknown) => {
    throw sqlFailure(error, databaseOf(client))
  })
  return z.array(row).parse(result.rows)
}

/** The one row that a statement gives. */
export async function queryOne<Row>(
  client: pg.ClientBase,
  row: z.ZodType<Row>,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row> {
  const [first, ...more] = await query(client, row, text, values)
  if (first === undefined || more.length > 0)
    throw new Failure(
      'bug',
      `expected one row, found ${first === undefined ? 0 : more.length + 1}: ${text.slice(0, 200)}`,
    )
  return first
}

/** What the driver knows of a session that it opened. */
const session = z.object({ database: z.string() })

function databaseOf(client: pg.ClientBase): string | undefined {
  return session.safeParse(client).data?.database
}

/** An error of a statement or its session as a Failure; a lost session names its database. */
export function sqlFailure(error: unknown, database?: string): Failure {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const message = describe(error)
  const fault = serverFault(code, message)
  if (fault !== undefined)
    return new Failure(fault.kind, `the PostgreSQL server cannot go on: ${message}`, {
      cause: error,
      hint: fault.hint,
      facts: { sqlState: code },
    })
  if (code === '42501')
    return new Failure('denied', `PostgreSQL denied it: ${message}`, {
      cause: error,
      hint: 'Grant the role what `holdfast check` names.',
    })
  if (code === '55P03') return new Failure('locked', `a lock was not free in time: ${message}`, { cause: error })
  if (code === '' || code.startsWith('08') || code.startsWith('57P') || code.startsWith('E'))
    return new Failure(
      'unreachable',
      `the PostgreSQL session${database === undefined ? '' : ` on database ${database}`} was lost: ${message}`,
      { cause: error },
    )
  return new Failure('toolFailed', `PostgreSQL refused a statement: ${message}`, {
    cause: error,
    facts: { sqlState: code },
  })
}

/** Codes of five characters are the server's own. One that it has no code for is an internal error with the system's words. */
function serverFault(code: string, message: string): EnvironmentFault | undefined {
  if (code.startsWith('XX')) return faultInWords(message)
  return /^5[38]/.test(code) ? faultOfCode(code) : undefined
}
