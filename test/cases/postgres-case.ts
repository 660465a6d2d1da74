import type { AcceptId } from '../../src/core/accept-ids.ts'

/** A small database that was hard to bring back, and what an operator may expect of each command. */
export interface PostgresCase {
  /** What makes it, as an ordinary user of psql would: each text in a session of its own. */
  readonly sql: string | readonly string[]
  /** How the database is made, where not from template0 alone. */
  readonly options?: string
  /** What check has to warn of, in its own words; without it, check has nothing to say about this database. */
  readonly check?: readonly RegExp[]
  /** What the operator must agree to; the refusal has to name it. */
  readonly accept?: readonly AcceptId[]
  readonly target?: 'in-place'
  /** The two roles of `holdfast grants` and no superuser. */
  readonly leastRights?: true
  /** Tables and views that may rightly hold something else afterwards. */
  readonly differs?: readonly string[]
  /** pg_dump may write these lines otherwise afterwards. */
  readonly lines?: RegExp
}

export type PostgresCases = Readonly<Record<string, PostgresCase>>
