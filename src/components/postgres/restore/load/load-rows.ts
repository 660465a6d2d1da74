import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { withNamelessFile } from '../../../../system/files/anonymous-file.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import { withSession } from '../../connection/connection.ts'
import { bytesOf } from '../../capture/dump-contents.ts'
import { tableOf, type Lane } from '../../capture/lanes.ts'
import { loadLanes } from './lanes-load.ts'
import type { LoadTarget } from './load.ts'
import { queryOne } from '../../connection/query.ts'
import type { PostgresDetails } from '../../schema.ts'
import { readGuarded, type GuardedTable } from './guarded-tables.ts'
import { withRights } from '../lend-rights.ts'
import type { Run } from './make-indexes.ts'
import { lostMeaning, type Meant } from '../session-settings.ts'
import { splitRows } from './split-rows.ts'

/** What of a point decides how its rows are loaded. */
type Rows = Meant & Pick<PostgresDetails, 'lanes' | 'encoding'>

/** Where rows come from, and how pg_restore takes its own. */
interface RowsFrom {
  readonly source: ArtifactSource
  /** The list of contents. */
  readonly list: string
  readonly run: Run
  /** Sessions that pg_restore loads its own rows with. */
  readonly jobs: number
  /** Told of each table in lanes when its rows are there. */
  readonly onLoaded: (table: string) => void
  readonly onRefused: (lanes: readonly Lane[], reason: string) => void
}

/**
 * Loads all rows into tables that have nothing but their definitions yet: those of the dump beside those in lanes. Where
 * code of the database's own is run for each row, it is run as the table's owner.
 */
export async function loadRows(place: LoadTarget, details: Rows, from: RowsFrom, context: Context): Promise<void> {
  const lost = lostMeaning(details, place.settings ?? {})
  if (lost.length > 0) context.progress({ type: 'note', message: `${lost.join(', ')}: ${NOT_TAKEN}` })
  const { guarded, superuser } = await withSession(place.server, place.database, context, async (session) => ({
    guarded: await readGuarded(session),
    ...(await queryOne(session, z.object({ superuser: z.boolean() }), IS_SUPERUSER)),
  }))
  const owners = { names: new Map(guarded.map((one) => [tableOf(one), one.owner])), superuser }
  const lanes = {
    all: details.lanes,
    encoding: details.encoding,
    frozen: true,
    onLoaded: from.onLoaded,
    onRefused: from.onRefused,
    owners,
  }
  await withRights(place, guarded, context, () =>
    allOrNone(context, [
      (inner) => loadDumped({ from, guarded, superuser }, inner),
      (inner) => loadLanes(place, lanes, from.source, inner),
    ]),
  )
}

const NOT_TAKEN =
  'set where the data is from, and not known here or not for this role to set; rows are loaded without it'
const IS_SUPERUSER = `select current_setting('is_superuser') = 'on' as superuser`

interface Dumped {
  readonly from: RowsFrom
  readonly guarded: readonly GuardedTable[]
  readonly superuser: boolean
}

/** The rows that are in the dump: in one run where no owner has to load any. */
async function loadDumped({ from, guarded, superuser }: Dumped, context: Context): Promise<void> {
  const run = (more: readonly string[], jobs: number): Promise<void> =>
    from.run(['--section=data', ...more], jobs, context)
  if (guarded.length === 0) return run([], from.jobs)
  const { plain, byOwner } = splitRows(from.list, guarded)
  const runWith = (lines: string, more: readonly string[], jobs: number): Promise<void> =>
    withNamelessFile(bytesOf(lines), (path) => run([`--use-list=${path}`, ...more], jobs))
  await runWith(plain, [], from.jobs)
  for (const [owner, lines] of byOwner)
    await runWith(lines, superuser ? ['--use-set-session-authorization'] : [`--role=${owner}`], 1)
}
