import { tableOf } from '../../capture/lanes.ts'
import type { PostgresDetails } from '../../schema.ts'

/** Which lines of a dump's list of contents are made when, each list as pg_restore takes it. */
export interface SplitList {
  /** By table, as `tableOf` names it: what is made once its rows are there. */
  readonly early: ReadonlyMap<string, string>
  /** One list for each table whose indexes are made by one session when all rows are there. */
  readonly late: readonly string[]
  /** All the rest. */
  readonly rest: string
}

type IndexRuns = NonNullable<PostgresDetails['indexRuns']>

/** `12; 1259 16400 INDEX shop orders_paid owner`: number in the dump, catalog and oid of the object, kind. */
const ENTRY = /^\d+; (?<catalog>\d+) (?<oid>\d+) (?:INDEX|CONSTRAINT) /

/**
 * Pure: which lines of `list` belong to which run. The first index or constraint of the list always stays with the rest:
 * pg_restore takes a comment or a label for part of the section that the entry before it is of, and those of indexes that
 * are made before would otherwise follow the last rows, and be left out.
 */
export function splitList(list: string, runs: IndexRuns): SplitList {
  const byEntry = new Map<string, IndexRuns[number]>(
    runs.flatMap((run) => run.entries.map(({ catalog, oid }) => [`${catalog} ${oid}`, run] as const)),
  )
  const lines = list.split('\n').map((line) => ({ line, entry: ENTRY.exec(line)?.groups }))
  const first = lines.find(({ entry }) => entry !== undefined)
  const runOf = (one: (typeof lines)[number]) =>
    one.entry === undefined || one === first ? undefined : byEntry.get(`${one.entry['catalog']} ${one.entry['oid']}`)
  const groups = Map.groupBy(lines, runOf)
  const text = (some: typeof lines = []): string => some.map(({ line }) => line).join('\n')
  const chosen = runs.filter((run) => groups.has(run))
  return {
    early: new Map(chosen.filter(({ early }) => early).map((run) => [tableOf(run), text(groups.get(run))])),
    late: chosen.filter(({ early }) => !early).map((run) => text(groups.get(run))),
    rest: text(groups.get(undefined)),
  }
}
