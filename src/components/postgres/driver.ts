import type { Context } from '../../core/ports.ts'
import type { Driver, Kept } from '../driver.ts'
import { capture } from './capture.ts'
import { check } from './check.ts'
import { examine } from './examine.ts'
import { postgresDetails, postgresSettings } from './schema.ts'
import type { PostgresDetails, PostgresSettings } from './schema.ts'
import { openPostgresTarget } from './target.ts'
import { listBeside, listKept } from './undo.ts'

/** One PostgreSQL database with its roles, grants and settings. */
export const postgresDriver: Driver<PostgresSettings, PostgresDetails> = {
  kind: 'postgres',
  settings: postgresSettings,
  details: postgresDetails,
  check,
  capture: (settings, sink, context) => capture(settings, sink, context),
  examine,
  kept,
  beside: listBeside,
  open: openPostgresTarget,
}

async function kept(settings: PostgresSettings, context: Context): Promise<readonly Kept[]> {
  const databases = await listKept(settings, context)
  return databases.map(({ restoreId, name, role, at, until }) => ({
    restoreId,
    description: role === 'restored' ? 'no database: nothing was there before' : `database ${name} (${role})`,
    since: at,
    until,
    wasNothing: role === 'restored',
  }))
}
