import type { Context } from '../../../../core/ports.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import type { LoadTarget } from './load.ts'
import type { PostgresDetails } from '../../schema.ts'
import { restoreStaged } from '../restore-staged.ts'

/** pg_restore fills views even where it is asked for definitions only. */
const VIEW_ROWS = /^MATERIALIZED VIEW DATA /

/** Loads all that a point defines into an empty database as a restore does, and no row. */
export async function loadDefinitions(
  place: LoadTarget,
  details: PostgresDetails,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<void> {
  const withoutRows = { ...details, lanes: [], indexRuns: undefined }
  // In what other way something is loaded was said when its rows were.
  await restoreStaged({ ...place, leaveOut: VIEW_ROWS }, withoutRows, source, [...args, '--schema-only'], {
    ...context,
    progress: () => {},
  })
}
