import { throwIfCancelled } from '../../core/cancelled.ts'
import { failedFinding } from '../../core/failed-finding.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { withEngine, type EngineClient } from './engine/client.ts'
import { inspectContainer } from './engine/containers.ts'
import type { ServiceContainer } from './labels.ts'
import { refuseOurselves } from './ourselves.ts'
import { containersOf, servicesText } from './project.ts'
import { refuseOwnDatabase } from './own-database.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'
import { runningOf, stopOrder } from './workloads.ts'

/** Whether the engine, the project and each service are there, and what a pause would meet. Changes nothing. */
export async function checkProject(
  settings: ComposeSettings,
  reaches: readonly ComposeReach[],
  context: Context,
): Promise<readonly Finding[]> {
  const { engine: address, project, services } = settings
  return await withEngine(settings, async (engine) => {
    const findings: Finding[] = []
    /** What comes next needs it, so its failure is the last finding. */
    const look = async (subject: string, act: () => Promise<readonly Finding[]>): Promise<boolean> => {
      try {
        findings.push(...(await act()))
        return true
      } catch (error) {
        throwIfCancelled(error, context.signal)
        findings.push(failedFinding(subject, error))
        return false
      }
    }
    await look(`compose project ${project}: services to stop`, async () => {
      refuseOwnDatabase(settings, reaches)
      return []
    })
    const isReached = await look(`container engine ${address}`, () => engineFinding(address, engine, context))
    if (!isReached) return findings
    await look(`compose project ${project}`, async () => {
      const all = await containersOf(settings, engine, context)
      const found = ok(`compose project ${project}`, servicesText(all))
      if (services.length === 0) return [found]
      await refuseOurselves(runningOf(all, settings))
      return [found, orderFinding(settings, all), ...(await restartFindings(settings, all, engine, context))]
    })
    return findings
  })
}

const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message })

async function engineFinding(address: string, engine: EngineClient, context: Context): Promise<readonly Finding[]> {
  return [ok(`container engine ${address}`, `reached, API ${await engine.version(context)}`)]
}

function orderFinding({ project, services }: ComposeSettings, all: readonly ServiceContainer[]): Finding {
  return ok(
    `compose project ${project}: services to stop`,
    `stopped in this order: ${stopOrder(services, all).join(', ')}`,
  )
}

/** Policies by which a container that was stopped runs again once its engine is restarted: seen with Docker 20.10. */
const COMES_BACK = ['always', 'on-failure']

async function restartFindings(
  { project, services }: ComposeSettings,
  all: readonly ServiceContainer[],
  engine: EngineClient,
  context: Context,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const container of all.filter(({ service, isOneOff }) => services.includes(service) && !isOneOff)) {
    const { HostConfig } = await inspectContainer(container, engine, context)
    const policy = HostConfig.RestartPolicy?.Name ?? ''
    if (!COMES_BACK.includes(policy)) continue
    findings.push({
      level: 'warning',
      subject: `compose project ${project}: ${container.workload}`,
      message: `has restart: ${policy}, so it comes back when the engine is restarted during a pause`,
      hint: `Give service ${container.service} restart: unless-stopped.`,
    })
  }
  return findings
}
