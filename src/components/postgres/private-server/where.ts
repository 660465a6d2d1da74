import { failedFinding } from '../../../core/failed-finding.ts'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { PostgresSettings } from '../schema.ts'
import { findServerBinaries } from '../tools/tools.ts'
import { startInside, type SpawningThrough } from './inside-server.ts'
import { startServer, type PrivateServer, type ServerOptions } from './server-process.ts'

/** What drills, rehearsals and references need of a throw-away server, wherever it runs. */
export type ThrowAwayServer = Pick<PrivateServer, 'server' | 'version' | 'stop'> & Partial<Pick<PrivateServer, 'leave'>>

type Where = 'here' | 'inside'

/** Starts one where the settings say, or where the programs of this major are. */
export async function startThrowAwayServer(
  settings: PostgresSettings,
  options: ServerOptions & { readonly major: number },
): Promise<ThrowAwayServer> {
  const where = await whereFor(settings, options.major, options.context)
  return where === 'here' ? await startServer(options) : await startInside(throughOf(settings), options)
}

export interface PossibleServer {
  readonly finding: Finding
  /** Of the server that would be started here; undefined where none can be, or it is as the live one. */
  readonly version?: number
}

/** Whether one can be had, and where. */
export async function possibleServer(
  settings: PostgresSettings,
  major: number,
  context: Context,
): Promise<PossibleServer> {
  const subject = 'throw-away server'
  try {
    if ((await whereFor(settings, major, context)) === 'inside') {
      const message = `a container of the image of ${throughOf(settings).name}`
      return { finding: { level: 'ok', subject, message } }
    }
    const { version, versionText } = await findServerBinaries(context, major)
    return { finding: { level: 'ok', subject, message: versionText }, version }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { finding: failedFinding(subject, error) }
  }
}

/** The one place that decides it. A container has the image of the live server: its major, extensions and locales. */
async function whereFor(
  { throwAwayServer, through }: PostgresSettings,
  major: number,
  context: Context,
): Promise<Where> {
  if (throwAwayServer !== 'auto') return throwAwayServer
  if (through?.spawn === undefined) return 'here'
  try {
    return (await findServerBinaries(context, major)).major === major ? 'here' : 'inside'
  } catch (error) {
    if (isFailure(error, 'notFound')) return 'inside'
    throw error
  }
}

function throughOf({ through, database }: PostgresSettings): SpawningThrough {
  const spawn = through?.spawn?.bind(through)
  if (through !== undefined && spawn !== undefined) return { name: through.name, spawn }
  throw new Failure(
    'usage',
    `database ${database} is not reached in a container that a throw-away server could be made like`,
    {
      hint: 'Write throwAwayServer: here, or say with reach in which container the database runs.',
    },
  )
}
