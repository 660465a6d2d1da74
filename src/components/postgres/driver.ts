import type { Context } from '../../core/ports.ts'
import { placeOfServer } from '../../system/files/where-it-lies.ts'
import type { Driver, RetainedCopy } from '../driver.ts'
import { postgresDestination } from './destination.ts'
import { postgresDetails, postgresSettings } from './schema.ts'
import type { PostgresDetails, PostgresSettings } from './schema.ts'

/**
 * One PostgreSQL database with its roles, grants and settings. What it takes to reach one is loaded by the first call:
 * a command that only lists restore points does not wait for it.
 */
export const postgresDriver: Driver<PostgresSettings, PostgresDetails> = {
  kind: 'postgres',
  settings: postgresSettings,
  details: postgresDetails,
  check: async (...request) => (await import('./check/check.ts')).check(...request),
  checkBeforeCapture: async (...request) => (await import('./check/check.ts')).checkBeforeCapture(...request),
  capture: async (settings, sink, context) =>
    (await import('./read-inside/capture-anywhere.ts')).captureAnywhere(settings, sink, context),
  examine: async (...request) => (await import('./capture/examine.ts')).examine(...request),
  listRetained,
  retainedBytes,
  listStaged: async (...request) => (await import('./restore/staged/undo.ts')).listStaged(...request),
  open: async (...request) => (await import('./restore/target/target.ts')).openPostgresTarget(...request),
  async *liveRows(...request) {
    yield* (await import('./connection/live-rows.ts')).readLiveRows(...request)
  },
  // Where a container runs nobody sees from here.
  place: ({ host, through }) => Promise.resolve(through === undefined ? placeOfServer(host) : {}),
  server({ host, port, through }) {
    if (through !== undefined) return undefined
    return host.startsWith('/') ? { socket: `${host.replace(/\/$/, '')}/.s.PGSQL.${port}` } : { host, port }
  },
  serverMoment: async (...request) => (await import('./server-moment.ts')).serverMoment(...request),
  rights: { form: 'grants', text: async (...request) => (await import('./roles/grants.ts')).grants(...request) },
  destination: postgresDestination,
  dumps: {
    find: async (...request) => (await import('./dumps/find-dumps.ts')).findDumps(...request),
    digest: async (...request) => (await import('./dumps/files/dump-file.ts')).openDumpFile(...request),
    load: async (...request) => (await import('./dumps/load.ts')).loadDumpFile(...request),
    write: async (...request) => (await import('./dumps/write.ts')).writeDumpFile(...request),
  },
}

async function retainedBytes(
  settings: PostgresSettings,
  one: RetainedCopy,
  context: Context,
): Promise<number | undefined> {
  const { retainedDatabaseBytes } = await import('./restore/staged/undo.ts')
  return await retainedDatabaseBytes(settings, one.restoreId, context)
}

async function listRetained(settings: PostgresSettings, context: Context): Promise<readonly RetainedCopy[]> {
  const { listRetained } = await import('./restore/staged/undo.ts')
  const databases = await listRetained(settings, context)
  return databases.map(({ restoreId, name, role, at, until }) => ({
    restoreId,
    description: role === 'restored' ? 'no database: nothing was there before' : `database ${name} (${role})`,
    since: at,
    until,
    wasNothing: role === 'restored',
  }))
}
