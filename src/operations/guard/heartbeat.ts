import { describe } from '../../core/failure.ts'
import { systemClock } from '../../system/clock.ts'
import type { OperationContext } from '../app.ts'

/**
 * An operation of another container or machine cannot be seen. It beats in the state folder while it runs; who sees no beat for three
 * times as long takes it for dead. No clock of another machine is believed.
 */
const BEAT_MILLISECONDS = 30_000
const EXPIRY_MILLISECONDS = 90_000
const LOOK_MILLISECONDS = 5_000

/** Each owner has its own, so that none hides the beat of another. */
const nameOf = (app: string, owner: string): string => `beat-${app}-${Buffer.from(owner).toString('base64url')}`

/** Beats until the signal fires. What is over within the first 30 seconds writes nothing. */
export async function beatOn(app: string, context: OperationContext, clock = systemClock): Promise<void> {
  const { processes, progress, records, signal } = context
  const name = nameOf(app, await processes.self())
  for (let beat = 1; ; beat += 1) {
    await clock.sleep(BEAT_MILLISECONDS, signal).catch(() => undefined)
    if (signal.aborted) return beat > 1 ? await records.remove(name) : undefined
    try {
      await records.save(name, { format: 1, beat })
    } catch (error) {
      // The next beat may be written; without any this operation would be taken for dead while it runs.
      progress({ type: 'warning', message: `others cannot see that this operation runs: ${describe(error)}` })
    }
  }
}

/**
 * Whether none of these owners is alive: each was out of sight, and nobody beat for 90 seconds. At once false where one can be seen
 * from here, as then it runs.
 */
export async function haveExpired(app: string, owners: readonly string[], context: OperationContext): Promise<boolean> {
  const { clock, processes, progress, signal } = context
  for (const owner of owners) if (await processes.isVisible(owner)) return false
  const seconds = EXPIRY_MILLISECONDS / 1000
  progress({
    type: 'note',
    message: `another container or machine holds app ${app}; watching for ${seconds} s whether it is alive`,
  })
  const before = await lastBeats(app, owners, context)
  for (const begun = clock.monotonic(); clock.monotonic() - begun < EXPIRY_MILLISECONDS;) {
    await clock.sleep(LOOK_MILLISECONDS, signal)
    if ((await lastBeats(app, owners, context)) !== before) return false
  }
  return true
}

/** A record that cannot be read is being written. */
async function lastBeats(app: string, owners: readonly string[], { records }: OperationContext): Promise<string> {
  const beats = owners.map((owner) => records.load(nameOf(app, owner)).catch(describe))
  return JSON.stringify(await Promise.all(beats))
}

/** Takes away what an owner that died left. */
export async function forgetBeat(app: string, owner: string, { records }: OperationContext): Promise<void> {
  if ((await records.load(nameOf(app, owner)).catch(() => true)) !== undefined) await records.remove(nameOf(app, owner))
}
