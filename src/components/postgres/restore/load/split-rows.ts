import type { GuardedTable } from './guarded-tables.ts'

/** A dump's list of contents, cut by who loads the rows. */
export interface SplitRows {
  /** All lines but those of the tables that their owners load. */
  readonly plain: string
  /** By owner: the rows of their tables. */
  readonly byOwner: ReadonlyMap<string, string>
}

/** `12; 0 16400 TABLE DATA shop orders owner`: no separator is quoted, so a line is looked up by all that a table has. */
const ROWS = /^\d+; \d+ \d+ TABLE DATA (?<rest>.*)$/

/** Pure: which lines of `list`, as pg_restore prints it, are rows of these tables. */
export function splitRows(list: string, tables: readonly GuardedTable[]): SplitRows {
  const owners = new Map(tables.map((one) => [asListed(`${one.schema} ${one.table} ${one.owner}`), one.owner]))
  const ownerOf = (line: string): string | undefined => owners.get(ROWS.exec(line)?.groups?.['rest'] ?? '')
  const groups = Map.groupBy(list.split('\n'), ownerOf)
  const text = (lines: readonly string[] = []): string => lines.join('\n')
  const byOwner = [...groups].flatMap(([owner, lines]): [string, string][] =>
    owner === undefined ? [] : [[owner, text(lines)]],
  )
  return { plain: text(groups.get(undefined)), byOwner: new Map(byOwner) }
}

/** The list has one line for each entry. */
function asListed(name: string): string {
  return name.replaceAll(/[\r\n]/g, ' ')
}
