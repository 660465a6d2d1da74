import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { execute } from './execute.ts'
import type { HostSettings } from './schema.ts'
import { systemctl } from './units.ts'

/** What systemctl says where polkit did not allow it, in the language in which programs are run. */
const NOT_ALLOWED = /^Failed to (?:stop|start) .*: (?:Interactive authentication required|Access denied)/m

/** Stops or starts a unit. Fails with `denied` where sudo or polkit does not let this user do it. */
export async function changeUnit(
  act: 'stop' | 'start',
  unit: string,
  settings: HostSettings,
  context: Context,
): Promise<void> {
  try {
    await execute(systemctl(settings, act, unit), settings, context)
  } catch (error) {
    if (context.signal.aborted || !(await isNotAllowed(error, act, unit, settings, context))) throw error
    const who = settings.sudo ? 'sudo' : 'polkit'
    throw new Failure('denied', `${who} does not let this user ${act} unit ${unit}`, {
      hint: `Install what holdfast rights host restore prints${settings.sudo ? '' : ', or set platform.sudo'}.`,
      cause: error,
    })
  }
}

async function isNotAllowed(
  error: unknown,
  act: 'stop' | 'start',
  unit: string,
  settings: HostSettings,
  context: Context,
): Promise<boolean> {
  if (!(error instanceof Failure)) return false
  return settings.sudo
    ? !(await mayRun(systemctl({ sudo: false }, act, unit), settings, context))
    : NOT_ALLOWED.test(error.message)
}

/** Whether sudo would run it for this user without asking for a password. `sudo -l` tells without running it. */
export async function mayRun(command: readonly string[], settings: HostSettings, context: Context): Promise<boolean> {
  try {
    await execute(['sudo', '-n', '-l', ...command], settings, context)
    return true
  } catch (error) {
    if (error instanceof Failure && error.facts['exitCode'] !== undefined) return false
    throw error
  }
}
