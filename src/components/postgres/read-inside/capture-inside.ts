import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { withTemporaryFolder } from '../../../system/files/temporary-folder.ts'
import { within } from '../../../platforms/routes/within.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { loadDumpFile } from '../dumps/load.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { limitsOf } from '../tools/tool-run.ts'
import { capture } from '../capture/capture.ts'
import { leftUnproven, OPEN_A_WAY } from './left-unproven.ts'
import type { InsideReader } from './inside-reader.ts'

/** A timer cannot wait longer. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Captures what pg_dump of the server's own container wrote: the dump is loaded into a throw-away server here, counted there, and
 * captured from there. A dump that came in part makes no capture.
 */
export function captureInside(
  settings: PostgresSettings,
  reader: InsideReader,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<PostgresDetails>> {
  return withTemporaryFolder(async (folder) => {
    const path = join(folder, 'inside.sql')
    await fetchDump(settings, reader, path, context)
    const request = { format: 'sql', path, name: reader.name, trusted: false, withPasswords: false } as const
    const loaded = await loadDumpFile(settings, { ...request, scratchFolder: folder }, context).catch(refuse)
    try {
      const { withoutRows } = settings
      const captured = await capture({ ...loaded.settings, withoutRows }, sink, context)
      return asReadInside(await loaded.complete(captured, sink), reader, settings)
    } finally {
      await loaded.close()
    }
  })
}

/** What an operator may accept of a dump that somebody gave is not to be had for a backup. */
function refuse(error: unknown): never {
  if (!(error instanceof Failure) || error.facts['accept'] === undefined) throw error
  const { accept: _accept, ...facts } = error.facts
  throw new Failure(error.kind, error.message, { cause: error, facts, hint: OPEN_A_WAY })
}

async function fetchDump(
  settings: PostgresSettings,
  reader: InsideReader,
  path: string,
  context: Context,
): Promise<void> {
  const { database } = settings
  context.progress({ type: 'phase', phase: 'dump', detail: `${database} by ${reader.name}` })
  await context.effects.run('fetch dump from inside', () =>
    within(Math.min(limitsOf(settings).totalLimit, LONGEST_TIMER), reader.name, context, (limited) =>
      writeFile(path, reader.dump(database, limited), { mode: 0o600, flag: 'wx' }),
    ),
  )
}

/** It is the app's own data, and no dump that somebody gave; what only the throw-away server has is no part of it. */
function asReadInside(
  { details, notCaptured, onPurpose }: Captured<PostgresDetails>,
  reader: InsideReader,
  { database }: PostgresSettings,
): Captured<PostgresDetails> {
  const { imported: _dump, ...own } = details
  return {
    details: { ...own, systemIdentifier: null, readInside: true },
    notCaptured: [leftUnproven(reader.name), ...notCaptured],
    onPurpose,
    unproven: 'read inside its container, and not compared with the live database',
    findings: [{ level: 'warning', subject: `database ${database}`, message: leftUnproven(reader.name) }],
  }
}
