import { isAbsolute, join } from 'node:path'
import { Failure } from '../core/failure.ts'

/** What the configuration takes from the process that reads it. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** The user id of the process; undefined where there is none. */
  readonly userId: number | undefined
}

/** Where this machine's state is kept when the configuration does not say: as the XDG base directories have it, and `/var/lib` for root. */
export function defaultStateFolder({ variables, userId }: Environment): string {
  if (userId === 0) return '/var/lib/holdfast'
  const xdg = variables['XDG_STATE_HOME']
  // The specification says that a relative path is to be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'holdfast')
  const home = variables['HOME']
  if (home !== undefined && isAbsolute(home)) return join(home, '.local/state/holdfast')
  throw new Failure('usage', 'there is no folder for state', {
    hint: 'Set state in the configuration, or HOME in the environment.',
  })
}
