import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { addressText, isThisMachine, type ServerAddress } from '../../server-address.ts'
import { withEngine } from '../engine/client.ts'
import { inspectContainer, type InspectedContainer } from '../engine/containers.ts'
import type { ServiceContainer } from '../labels.ts'
import { containersOf } from '../project.ts'
import type { ComposeSettings } from '../schema.ts'
import { isUp } from '../workloads.ts'

/**
 * Fails with `refused` where a service that would be stopped certainly serves one of these addresses: by the name or an address of
 * its container, or by a port that it publishes on this machine. Where that cannot be told nothing is refused. Changes nothing.
 */
export async function refuseServers(
  settings: ComposeSettings,
  servers: readonly ServerAddress[],
  context: Context,
): Promise<void> {
  const { services } = settings
  if (services.length === 0 || servers.every(({ at }) => 'socket' in at)) return
  await withEngine(settings, async (engine) => {
    const all = await containersOf(settings, engine, context)
    for (const container of all.filter((one) => services.includes(one.service) && !one.isOneOff && isUp(one))) {
      const inspected = await inspectContainer(container, engine, context)
      const hit = servers.find((server) => isServedBy(container, inspected, server, settings))
      if (hit !== undefined) throw servesIt(container, hit, settings)
    }
  })
}

function isServedBy(
  { name, service }: ServiceContainer,
  { Config, NetworkSettings: { Networks, Ports } }: InspectedContainer,
  { at }: ServerAddress,
  { engine }: ComposeSettings,
): boolean {
  if ('socket' in at) return false
  const { host, port } = at
  // An engine elsewhere publishes its ports there.
  const isPublished =
    engine.startsWith('unix:') && Object.values(Ports ?? {}).some((each) => each?.some((one) => +one.HostPort === port))
  if (isPublished && isThisMachine(host)) return true
  const networks = Object.values(Networks ?? {})
  if (networks.some(({ IPAddress }) => IPAddress !== '' && IPAddress === host)) return true
  const names = [name, service, ...networks.flatMap(({ Aliases }) => Aliases ?? [])]
  return names.includes(host) && Config.ExposedPorts?.[`${port}/tcp`] !== undefined
}

function servesIt({ service }: ServiceContainer, server: ServerAddress, { project }: ComposeSettings): Failure {
  const what = `${addressText(server)} of component ${server.component}`
  return new Failure('refused', `service ${service} of project ${project} would be stopped, and serves ${what}`, {
    hint: `Remove ${service} from services of the platform: only what writes to the data is stopped.`,
  })
}
