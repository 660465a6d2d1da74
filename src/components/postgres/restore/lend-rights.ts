import type pg from 'pg'
import type { Context } from '../../../core/ports.ts'
import { identifier, withSession } from '../connection/connection.ts'
import { tableOf } from '../capture/lanes.ts'
import type { LoadTarget } from './load/load.ts'
import { change } from './target/database-target.ts'
import type { GuardedTable } from './load/guarded-tables.ts'

/** One right that an owner lacks on what is to be loaded. */
interface Right {
  readonly privilege: string
  readonly to: string
}

/** Owners may be denied to write to their own table, or to enter the schema that it is in: for the time of `act` they may. */
export async function withRights<Result>(
  place: LoadTarget,
  tables: readonly GuardedTable[],
  context: Context,
  act: () => Promise<Result>,
): Promise<Result> {
  const rights = lacking(tables)
  if (rights.length === 0) return act()
  const each = (name: string, textOf: (right: Right) => string) => (session: pg.Client) =>
    inTurn(rights, (right) => change(session, name, textOf(right), context))
  await withSession(place.server, place.database, context, each('GRANT TO OWNER', grantOf))
  const result = await act()
  await withSession(place.server, place.database, context, each('REVOKE FROM OWNER', revokeOf))
  return result
}

function lacking(tables: readonly GuardedTable[]): readonly Right[] {
  const rights = tables.flatMap((table): Right[] => [
    ...(table.insert ? [] : [{ privilege: `insert on table ${tableOf(table)}`, to: table.owner }]),
    ...(table.usage ? [] : [{ privilege: `usage on schema ${identifier(table.schema)}`, to: table.owner }]),
  ])
  return [...new Map(rights.map((right) => [grantOf(right), right])).values()]
}

function grantOf({ privilege, to }: Right): string {
  return `grant ${privilege} to ${identifier(to)}`
}

function revokeOf({ privilege, to }: Right): string {
  return `revoke ${privilege} from ${identifier(to)}`
}

async function inTurn<One>(all: readonly One[], act: (one: One) => Promise<void>): Promise<void> {
  for (const one of all) await act(one)
}
