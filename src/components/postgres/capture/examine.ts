import { Failure, isAboutTheData, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { run } from '../../../system/process/run.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { DUMP_ROLE } from './capture.ts'
import { examineRows } from './lanes-examine.ts'
import type { PostgresDetails } from '../schema.ts'
import { chooseTools } from '../tools/tools.ts'
import { parseVersion } from '../versions.ts'

const IDLE_LIMIT = 600_000
const TOTAL_LIMIT = 86_400_000

/**
 * Reads the rows of all lanes, and lets pg_restore read the whole dump and turn it into SQL that goes nowhere. Its list of contents would say nothing:
 * it is at the head of the dump, and truncated dumps have it too. Fails with `corrupt` if the dump cannot be read.
 */
export async function examine(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
  for (const lane of details.lanes) await examineRows(lane, source.read(lane.role))
  await examineDump(details, source, context)
}

async function examineDump(details: PostgresDetails, source: ArtifactSource, context: Context): Promise<void> {
  const tools = await chooseTools(parseVersion(details.dumpVersionText) ?? details.serverVersion, {}, context)
  try {
    await run(
      {
        file: tools.pgRestore,
        args: ['--file=/dev/null'],
        signal: context.signal,
        idleLimit: IDLE_LIMIT,
        totalLimit: TOTAL_LIMIT,
      },
      source.read(DUMP_ROLE),
    )
  } catch (error) {
    if (!isFailure(error, 'toolFailed') || !isAboutTheData(error)) throw error
    throw new Failure('corrupt', `the dump of database ${details.database} cannot be read: ${error.message}`, {
      cause: error,
    })
  }
}
