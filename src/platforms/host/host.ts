import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { run } from '../../system/process/run.ts'
import type { Platform } from '../platform.ts'
import { hostSettings, type HostSettings, type HostWorkload } from './schema.ts'

/** Workloads are units of systemd and commands of this host. */
export const hostPlatform: Platform<HostSettings> = {
  kind: 'host',
  settings: hostSettings,
  async running(settings, context) {
    const running: string[] = []
    for (const [name, workload] of workloadsOf(settings))
      if (await isRunning(workload, settings, context)) running.push(name)
    return running
  },
  async pause(settings, name, context) {
    const { stop } = workloadNamed(settings, name)
    await context.effects.run(`pause ${name}`, () => execute(stop, settings, context))
  },
  async resume(settings, name, context) {
    const { start } = workloadNamed(settings, name)
    await context.effects.run(`resume ${name}`, () => execute(start, settings, context))
  },
}

function workloadsOf({ units, workloads }: HostSettings): readonly (readonly [string, HostWorkload])[] {
  const systemd = units.map((unit) => [unit, ofUnit(unit)] as const)
  return [...systemd, ...Object.entries(workloads)]
}

function ofUnit(unit: string): HostWorkload {
  const act = (...words: readonly string[]): string[] => ['systemctl', ...words, '--', unit]
  return { running: act('is-active', '--quiet'), stop: act('stop'), start: act('start') }
}

function workloadNamed(settings: HostSettings, name: string): HostWorkload {
  const found = workloadsOf(settings).find(([one]) => one === name)
  if (found !== undefined) return found[1]
  throw new Failure('usage', `the configuration of the platform no longer names workload ${name}`, {
    hint: 'Name it again, so that it can be started, or start it by hand and run this again.',
  })
}

/** As `systemctl is-active` ends: 0 and 3 are answers, all else is none. */
async function isRunning(workload: HostWorkload, settings: HostSettings, context: Context): Promise<boolean> {
  try {
    await execute(workload.running, settings, context)
    return true
  } catch (error) {
    if (error instanceof Failure && error.facts['exitCode'] === 3) return false
    throw error
  }
}

async function execute(
  [file = '', ...args]: readonly string[],
  { limitSeconds }: HostSettings,
  { signal }: Context,
): Promise<void> {
  const limit = limitSeconds * 1000
  await run({ file, args, signal, idleLimit: limit, totalLimit: limit })
}
