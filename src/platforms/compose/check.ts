import { throwIfCancelled } from '../../core/cancelled.ts'
import { failedFinding } from '../../core/failed-finding.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { withEngine, type EngineClient } from './engine/client.ts'
import { inspectContainer, type InspectedContainer } from './engine/containers.ts'
import type { ServiceContainer } from './labels.ts'
import type { ServerAddress } from '../server-address.ts'
import { refuseServers } from './refusals/refuse-server.ts'
import { refuseOurselves } from './refusals/ourselves.ts'
import { containersOf, servicesText } from './project.ts'
import { refuseOwnDatabase } from './refusals/own-database.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'
import { runningOf, stopOrder } from './workloads.ts'

/** Whether the engine, the project and each service are there, and what a pause would meet. Changes nothing. */
export async function checkProject(
  settings: ComposeSettings,
  reaches: readonly ComposeReach[],
  servers: readonly ServerAddress[],
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
      await refuseServers(settings, servers, context)
      return [found, orderFinding(settings, all), ...(await containerFindings(settings, all, engine, context))]
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
/** Ports of servers that are backed up, and so must run. */
const SERVERS: Readonly<Record<string, string>> = { '5432': 'PostgreSQL', '8200': 'OpenBao' }

async function containerFindings(
  { project, services }: ComposeSettings,
  all: readonly ServiceContainer[],
  engine: EngineClient,
  context: Context,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const container of all.filter(({ service, isOneOff }) => services.includes(service) && !isOneOff)) {
    const inspected = await inspectContainer(container, engine, context)
    const subject = `compose project ${project}: ${container.workload}`
    findings.push(...restartFinding(subject, container, inspected), ...serverFinding(subject, container, inspected))
  }
  return findings
}

function restartFinding(
  subject: string,
  { service }: ServiceContainer,
  { HostConfig }: InspectedContainer,
): readonly Finding[] {
  const policy = HostConfig.RestartPolicy?.Name ?? ''
  if (!COMES_BACK.includes(policy)) return []
  const message = `has restart: ${policy}, so it comes back when the engine is restarted during a pause`
  return [{ level: 'warning', subject, message, hint: `Give service ${service} restart: unless-stopped.` }]
}

/** A database that is reached by host and port names no service, so no rule knows it. */
function serverFinding(
  subject: string,
  { service }: ServiceContainer,
  { Config }: InspectedContainer,
): readonly Finding[] {
  const server = Object.keys(Config.ExposedPorts ?? {})
    .map((port) => SERVERS[port.replace(/\/tcp$/, '')])
    .find((name) => name !== undefined)
  if (server === undefined) return []
  const hint = `Remove ${service} from services of the platform if it holds data: only what writes to the data is stopped.`
  return [{ level: 'warning', subject, message: `has the port of ${server} and would be stopped`, hint }]
}
