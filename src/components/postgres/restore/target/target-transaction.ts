import type pg from 'pg'
import type { Context } from '../../../../core/ports.ts'
import { attempt } from './database-target.ts'

/**
 * Runs `act` between BEGIN and COMMIT. When it throws, the transaction is rolled back and the same error is thrown on.
 *
 * A COMMIT whose answer is lost may have happened. `committed` then looks at the world over another session; without it
 * the error is thrown on, which is right where everything can be done again.
 */
export async function inTransaction(
  client: pg.Client,
  name: string,
  context: Context,
  act: () => Promise<void>,
  committed?: () => Promise<boolean>,
): Promise<void> {
  await attempt(`begin ${name}`, () => client.query('begin'))
  try {
    await act()
  } catch (error) {
    // A session that cannot even roll back is gone, and the server rolls back for it.
    await client.query('rollback').catch(() => {})
    throw error
  }
  await context.effects.run(`sql COMMIT ${name}`, () => commit(client, name, committed))
}

async function commit(client: pg.Client, name: string, committed: (() => Promise<boolean>) | undefined): Promise<void> {
  try {
    await attempt(`commit ${name}`, () => client.query('commit'))
  } catch (error) {
    if (committed === undefined || !(await committed())) throw error
  }
}
