import { failedFinding } from '../../core/failed-finding.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { isRoot } from '../../system/process/accounts.ts'
import type { ServerAddress } from '../server-address.ts'
import { mayRun } from './change.ts'
import { refuseServers } from './refuse-server.ts'
import type { HostSettings } from './schema.ts'
import { isTrigger, isUp, lookAtUnit, systemctl, triggersOf } from './units.ts'

/** Whether the units are there, and may be stopped and started by this user. Changes nothing. */
export async function checkHost(
  settings: HostSettings,
  servers: readonly ServerAddress[],
  context: Context,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [...(await serverFindings(settings, servers, context))]
  for (const unit of settings.units) findings.push(...(await checkUnit(unit, settings, context)))
  if (settings.units.length > 0 && !settings.sudo && !isRoot()) findings.push(unknownRights())
  return findings
}

async function serverFindings(
  settings: HostSettings,
  servers: readonly ServerAddress[],
  context: Context,
): Promise<readonly Finding[]> {
  try {
    await refuseServers(settings, servers, context)
    return []
  } catch (error) {
    if (context.signal.aborted) throw error
    return [failedFinding('units to stop', error)]
  }
}

async function checkUnit(unit: string, settings: HostSettings, context: Context): Promise<readonly Finding[]> {
  try {
    const state = await lookAtUnit(unit, settings, context)
    if (state.LoadState === 'masked')
      return [
        {
          level: 'error',
          subject: unit,
          message: 'is masked, so it could not be started again',
          hint: 'Unmask it, or take it out of platform.units.',
        },
      ]
    const named: Finding[] = []
    for (const name of triggersOf(state))
      if (!settings.units.includes(name) && isUp(await lookAtUnit(name, settings, context)))
        named.push({
          level: 'ok',
          subject: unit,
          message: `is started by ${name}, which is stopped and started with it`,
        })
    return [
      ...named,
      ...(settings.sudo ? await checkSudo([unit, ...triggersOf(state).filter(isTrigger)], settings, context) : []),
    ]
  } catch (error) {
    if (context.signal.aborted) throw error
    return [failedFinding(unit, error)]
  }
}

async function checkSudo(
  units: readonly string[],
  settings: HostSettings,
  context: Context,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const unit of units)
    for (const act of ['stop', 'start'] as const)
      if (!(await mayRun(systemctl({ sudo: false }, act, unit), settings, context)))
        findings.push({
          level: 'error',
          subject: unit,
          message: `sudo does not let this user ${act} it`,
          hint: 'holdfast rights host restore prints the lines for sudoers.',
        })
  return findings
}

function unknownRights(): Finding {
  const message = 'whether this user may stop and start units is not known before it is tried'
  return {
    level: 'warning',
    subject: 'systemctl',
    message,
    hint: 'holdfast rights host restore prints a rule for polkit; or set platform.sudo.',
  }
}
