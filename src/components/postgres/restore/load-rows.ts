import type { Context } from '../../../core/ports.ts'
import type { ArtifactSource } from '../../driver.ts'
import { allOrNone } from '../all-or-none.ts'
import { loadLanes } from '../lanes-load.ts'
import { restoreDump, type LoadPlace } from '../load.ts'
import type { PostgresDetails } from '../schema.ts'
import { lostMeaning, readLoadSettings, type Meant } from './session-settings.ts'
import type { Dump } from './staged-dump.ts'

/** What of a point decides how its rows are loaded. */
export type Rows = Meant & Pick<PostgresDetails, 'lanes' | 'encoding'>

/** Where rows come from, and with which arguments pg_restore takes its own. */
export interface RowsFrom {
  readonly source: ArtifactSource
  readonly dump: Dump
  readonly args: readonly string[]
  /** Sessions that pg_restore loads its own rows with. */
  readonly jobs: number
  /** Told of each table in lanes when its rows are there. */
  readonly onLoaded: (table: string) => void
}

/** Loads all rows into tables that have nothing but their definitions yet: those of the dump beside those in lanes. */
export async function loadRows(
  { settings: _before, ...bare }: LoadPlace,
  details: Rows,
  from: RowsFrom,
  context: Context,
): Promise<void> {
  const place = { ...bare, settings: await readLoadSettings(bare, details, context) }
  const lost = lostMeaning(details, place.settings)
  if (lost.length > 0) context.progress({ type: 'note', message: `${lost.join(', ')}: ${NOT_TAKEN}` })
  const lanes = { all: details.lanes, encoding: details.encoding, frozen: true, onLoaded: from.onLoaded }
  await allOrNone(context, [
    (inner) => restoreDump({ ...place, jobs: from.jobs }, from.dump, [...from.args, '--section=data'], inner),
    (inner) => loadLanes(place, lanes, from.source, inner),
  ])
}

const NOT_TAKEN = 'set where the data is from, and not known here or not for this role to set; rows are loaded without it'
