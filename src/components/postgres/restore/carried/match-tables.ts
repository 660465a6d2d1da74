import type pg from 'pg'
import { z } from 'zod'
import { queryOne } from '../../connection/query.ts'
import { findTable, type PreservedTable } from '../staged/preserved.ts'
import { cannotCarry } from './refusal.ts'
import type { TableToCarry } from './tables-to-carry.ts'

/** A table without rows, live and restored, and what of it is copied. */
export interface CarriedTable extends PreservedTable {
  /** The columns that both have, by name. */
  readonly columns: PreservedTable['columns']
  /** Live columns that the restored table has not. */
  readonly lost: readonly string[]
  readonly isWithoutRows: true
}

/**
 * What can be carried. A table that is not live has no rows to carry; one that the point has rows of keeps those if the live one has
 * none, as on a server that was set up anew.
 */
export async function matchTables(
  live: pg.Client,
  side: pg.Client,
  wanted: readonly TableToCarry[],
): Promise<CarriedTable[]> {
  const matched: CarriedTable[] = []
  for (const one of wanted) {
    const from = await findTable(live, one.name)
    if (from === undefined) continue
    const isFilled = await hasRows(live, from)
    if (one.isInPoint && !isFilled) continue
    const to = await findTable(side, one.name)
    if (to !== undefined) matched.push(match(from, to, isFilled))
    else if (isFilled) throw cannotCarry(one.name, 'the point has no such table', 'Restore a newer point.')
  }
  return matched
}

function match(from: PreservedTable, to: PreservedTable, isFilled: boolean): CarriedTable {
  const there = new Set(to.columns.map(({ name }) => name))
  const columns = from.columns.filter(({ name }) => there.has(name))
  if (columns.length === 0 && isFilled)
    throw cannotCarry(from.name, 'the point has none of its columns', 'Restore a newer point.')
  return {
    ...to,
    source: from.source,
    columns,
    lost: from.columns.filter(({ name }) => !there.has(name)).map(({ name }) => name),
    sequences: to.sequences.filter((sequence) => from.sequences.includes(sequence)),
    isWithoutRows: true,
  }
}

export async function hasRows(session: pg.ClientBase, { source }: Pick<PreservedTable, 'source'>): Promise<boolean> {
  const row = z.object({ filled: z.boolean() })
  return (await queryOne(session, row, `select exists (select from ${source}) as filled`)).filled
}
