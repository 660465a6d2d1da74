import { access } from 'node:fs/promises'
import { Failure } from '../core/failure.ts'
import { isMissing } from '../system/files/errno.ts'
import type { Environment } from './environment.ts'

const SEARCHED = ['./holdfast.yaml', '/etc/holdfast/holdfast.yaml']

/**
 * The path of the configuration: the `--config` option, else HOLDFAST_CONFIG, else the first file of the usual places.
 * A path that was given is taken as it is; whether it can be read is found out by reading it.
 */
export async function findConfig(
  option: string | undefined,
  environment: Environment,
  searched: readonly string[] = SEARCHED,
): Promise<string> {
  const given = option ?? environment.variables['HOLDFAST_CONFIG']
  if (given === '')
    throw new Failure('usage', 'the path of the configuration is empty', {
      hint: 'Check --config and HOLDFAST_CONFIG.',
    })
  if (given !== undefined) return given
  for (const path of searched) {
    if (await exists(path)) return path
  }
  throw new Failure(
    'usage',
    `there is no configuration: neither --config nor HOLDFAST_CONFIG is given, and none of ${searched.join(', ')} exists`,
    {
      hint: 'Run holdfast init to write one.',
    },
  )
}

/** A file that is there and cannot be read counts: passing over it would use another configuration in silence. */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    return !isMissing(error)
  }
}
