import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { accountName } from '../../system/process/accounts.ts'
import type { Platform } from '../platform.ts'
import { checkHost } from './check.ts'
import { changeUnit } from './change.ts'
import { execute } from './execute.ts'
import { refuseServers } from './refuse-server.ts'
import { hostRights } from './rights.ts'
import { hostSettings, type HostSettings, type HostWorkload } from './schema.ts'
import { awaitUp, isTrigger, lookAtUnit, requireDown, runningUnits, socketsOf, triggersOf } from './units.ts'

/** Workloads are units of systemd and commands of this host. */
export const hostPlatform: Platform<HostSettings> = {
  kind: 'host',
  settings: hostSettings,
  async running(settings, context) {
    const running = [...(await runningUnits(settings, context))]
    for (const [name, workload] of Object.entries(settings.workloads))
      if (await isRunning(workload, settings, context)) running.push(name)
    return running
  },
  pause: (settings, name, context) => context.effects.run(`pause ${name}`, () => stop(settings, name, context)),
  resume: (settings, name, context) => context.effects.run(`resume ${name}`, () => start(settings, name, context)),
  protect: (settings, _reaches, context, servers = []) => refuseServers(settings, servers, context),
  check: (settings, _reaches, context, servers = []) => checkHost(settings, servers, context),
  async rights(settings, _reaches, purpose, context) {
    const units: string[] = []
    for (const unit of settings.units) units.push(...triggersOf(await lookAtUnit(unit, settings, context)), unit)
    return hostRights(settings, [...new Set(units)], purpose, accountName())
  },
}

async function stop(settings: HostSettings, name: string, context: Context): Promise<void> {
  const workload = settings.workloads[name]
  if (workload !== undefined) return void (await execute(workload.stop, settings, context))
  const unit = unitNamed(settings, name)
  for (const each of [...(await socketsOf(unit, settings, context)), unit])
    await changeUnit('stop', each, settings, context)
  await requireDown(name, settings, context)
}

async function start(settings: HostSettings, name: string, context: Context): Promise<void> {
  const workload = settings.workloads[name]
  if (workload !== undefined) return void (await execute(workload.start, settings, context))
  await changeUnit('start', unitNamed(settings, name), settings, context)
  await awaitUp(name, settings, context)
}

/** What would start a unit again is not in the configuration: `running` found it. */
function unitNamed({ units }: HostSettings, name: string): string {
  if (units.includes(name) || (units.length > 0 && isTrigger(name))) return name
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
