import { tableOf } from '../../capture/lanes.ts'
import type { PostgresDetails } from '../../schema.ts'
import { parseTableName } from '../../table-name.ts'
import type { DatabaseTarget } from '../target/database-target.ts'

/** A table whose live rows go into the restored database because backups leave them out. */
export interface TableToCarry {
  /** schema.table, quoted as SQL. */
  readonly name: string
  /** As the fingerprint of the point names what is made of it: `TABLE schema table`. */
  readonly object: string
  /** The point has its rows, from before the settings left them out. */
  readonly isInPoint: boolean
}

/**
 * Tables that the point has no rows of, whatever the settings say by now: without their live rows they would come back empty.
 * And tables that the settings leave out by now: no point has what was written to them since.
 */
export function tablesWithoutRows(
  { settings }: Pick<DatabaseTarget, 'settings'>,
  { withoutRows = [] }: Pick<PostgresDetails, 'withoutRows'>,
): readonly TableToCarry[] {
  const point = withoutRows.flatMap(({ name }) => asTable(name, false))
  const now = settings.withoutRows.flatMap((name) => asTable(name, true))
  // The first of a name counts.
  return [...new Map([...point, ...now].toReversed().map((one) => [one.name, one])).values()].toReversed()
}

/** The same, without what is preserved anyway and without any if the operator wants none. */
export function tablesToCarry(
  place: Pick<DatabaseTarget, 'settings' | 'accept'>,
  details: Pick<PostgresDetails, 'withoutRows'>,
): readonly TableToCarry[] {
  if (place.accept.includes('without-live-rows')) return []
  const preserved = new Set(place.settings.preserve.flatMap((name) => asTable(name, true)).map(({ name }) => name))
  return tablesWithoutRows(place, details).filter(({ name }) => !preserved.has(name))
}

function asTable(text: string, isInPoint: boolean): readonly TableToCarry[] {
  const parsed = parseTableName(text)
  if (parsed === undefined) return []
  return [{ name: tableOf(parsed), object: `TABLE ${parsed.schema} ${parsed.table}`, isInPoint }]
}
