/** Runs one act of the host platform and prints what it gives: for tests that call it beside a systemd of their own. */
import { toFailure } from '../../src/core/failure.ts'
import type { Context } from '../../src/core/ports.ts'
import { hostPlatform } from '../../src/platforms/host/host.ts'
import { hostSettings } from '../../src/platforms/host/schema.ts'
import { systemClock } from '../../src/system/clock.ts'
import { directEffects } from '../../src/system/effects.ts'

const [given = '{}', act = '', name = ''] = process.argv.slice(2)
const settings = hostSettings.parse({ kind: 'host', ...(JSON.parse(given) as object) })
const signal = new AbortController().signal
const context: Context = { clock: systemClock, effects: directEffects, signal, progress: () => {} }

async function each(act: (unit: string) => Promise<void>): Promise<void> {
  for (const unit of name.split(' ')) await act(unit)
}

const ACTS: Readonly<Record<string, () => Promise<unknown>>> = {
  running: () => hostPlatform.running(settings, context),
  // Each of several, with a space between.
  pause: () => each((unit) => hostPlatform.pause(settings, unit, context)),
  resume: () => each((unit) => hostPlatform.resume(settings, unit, context)),
  check: async () => await hostPlatform.check?.(settings, [], context),
  protect: async () =>
    await hostPlatform.protect?.(settings, [], context, [{ component: 'database', at: JSON.parse(name) }]),
  rights: async () => await hostPlatform.rights?.(settings, [], name === 'guardian' ? name : 'restore', context),
}

try {
  console.log(JSON.stringify({ result: (await ACTS[act]?.()) ?? null }))
} catch (error) {
  const { kind, message, hint } = toFailure(error)
  console.log(JSON.stringify({ failure: { kind, message, hint } }))
}
