import { hostname } from 'node:os'
import type { RunEvent } from '../../alarms/channel.ts'
import type { AlarmSettings } from '../../alarms/settings.ts'
import { tellBy } from '../../alarms/tell-by.ts'
import { describe } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'

/** What is known when a run ends, but for where it ran. */
export type EndedRun = Omit<RunEvent, 'host'>

/** A host that swallows packets must not keep a run that is over from ending. */
const LIMIT = 30_000

/**
 * Tells each alarm that wants to know, all at once. Never fails and never changes how the run ended: an alarm that cannot be
 * told is a warning beside it.
 */
export async function tellRun(run: EndedRun, alarms: readonly AlarmSettings[], context: Context): Promise<void> {
  const event = { ...run, host: hostname() }
  // Not the signal of the run: who stopped a backup is told of it too.
  const telling = { clock: context.clock, signal: AbortSignal.timeout(LIMIT) }
  const wanted = alarms.filter((alarm) => wants(alarm, event))
  const told = await Promise.allSettled(wanted.map((alarm) => tellBy(alarm, event, telling)))
  for (const [index, outcome] of told.entries())
    if (outcome.status === 'rejected') {
      const message = `the ${wanted[index]?.kind} was not told of this: ${describe(outcome.reason)}`
      context.progress({ type: 'warning', message })
    }
}

function wants(alarm: AlarmSettings, { command, apps, ending }: EndedRun): boolean {
  if (!alarm.commands.includes(command)) return false
  if (alarm.apps !== undefined && !apps.some((app) => alarm.apps?.includes(app))) return false
  return !('on' in alarm) || alarm.on === 'always' || ending !== 'done'
}
