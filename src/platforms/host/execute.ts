import type { Context } from '../../core/ports.ts'
import { run, type RunResult } from '../../system/process/run.ts'
import type { HostSettings } from './schema.ts'

/** Runs a program of this host within the limit of the settings. */
export async function execute(
  [file = '', ...args]: readonly string[],
  { limitSeconds }: Pick<HostSettings, 'limitSeconds'>,
  { signal }: Context,
): Promise<RunResult> {
  const limit = limitSeconds * 1000
  return await run({ file, args, signal, idleLimit: limit, totalLimit: limit })
}
