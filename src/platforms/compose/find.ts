import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Place } from '../place.ts'
import { withEngine, type EngineClient } from './engine/client.ts'
import { inspectContainer, type InspectedContainer } from './engine/containers.ts'
import { shown } from './engine/failures.ts'
import type { ServiceContainer } from './labels.ts'
import { refuseOwnDatabase } from './own-database.ts'
import { ContainerPlace } from './place.ts'
import { containersOf, servicesText } from './project.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'

/** The one container of a service that runs, pinned. */
export async function findContainer(settings: ComposeSettings, reach: ComposeReach, context: Context): Promise<Place> {
  refuseOwnDatabase(settings, [reach])
  return await withEngine(settings, async (engine) => {
    const all = await containersOf(settings, engine, context)
    const container = onlyRunning(reach.service, settings.project, all)
    const inspected = await inspectContainer(container, engine, context)
    refuseJoined(container, inspected, all, settings)
    return new ContainerPlace(container, shown(inspected.Config.Image), settings)
  })
}

/** The same container, for who asks the engine about it. */
export async function containerOf(
  settings: ComposeSettings,
  { service }: ComposeReach,
  engine: EngineClient,
  context: Context,
): Promise<ServiceContainer> {
  return onlyRunning(service, settings.project, await containersOf(settings, engine, context))
}

/** The one container of a service that holds a folder: one that runs, or else the one that is there. */
export async function containerOfFiles(
  settings: ComposeSettings,
  { service }: ComposeReach,
  engine: EngineClient,
  context: Context,
): Promise<ServiceContainer> {
  const all = await containersOf(settings, engine, context)
  const found = all.filter((one) => one.service === service && !one.isOneOff)
  const [first, ...more] = found
  if (first === undefined || found.some(({ state }) => state === 'running'))
    return onlyRunning(service, settings.project, all)
  if (more.length > 0) throw several(service, settings.project, found)
  return first
}

function onlyRunning(service: string, project: string, all: readonly ServiceContainer[]): ServiceContainer {
  const found = all.filter((one) => one.service === service && !one.isOneOff)
  const running = found.filter(({ state }) => state === 'running')
  const [first] = running
  if (first !== undefined && running.length === 1) return first
  if (running.length > 1) throw several(service, project, running)
  if (found.length > 0) throw stopped(service, project, found)
  throw new Failure('notFound', `project ${project} has no container of service ${service}`, {
    hint: `Correct the service in reach. There are: ${servicesText(all)}.`,
  })
}

function several(service: string, project: string, running: readonly ServiceContainer[]): Failure {
  return new Failure(
    'refused',
    `service ${service} of project ${project} has ${running.length} containers: ${servicesText(running)}`,
    {
      hint: 'Holdfast does not guess which one holds the data. Scale the service to one.',
    },
  )
}

function stopped(service: string, project: string, found: readonly ServiceContainer[]): Failure {
  return new Failure('notFound', `service ${service} of project ${project} does not run: ${servicesText(found)}`, {
    hint: `Start it, then run this again: docker compose -p ${project} start ${service}`,
  })
}

/** A container that lives in the network or processes of another loses them when that one is stopped. */
function refuseJoined(
  { name, service }: ServiceContainer,
  { HostConfig: { NetworkMode, PidMode, IpcMode } }: InspectedContainer,
  all: readonly ServiceContainer[],
  { services }: ComposeSettings,
): void {
  const joined = [NetworkMode, PidMode, IpcMode].map((mode) => /^container:(.+)$/.exec(mode)?.[1])
  const other = all.find(
    (one) => services.includes(one.service) && (joined.includes(one.id) || joined.includes(one.name)),
  )
  if (other === undefined) return
  throw new Failure(
    'refused',
    `container ${name} uses the network or processes of ${other.name}, which would be stopped`,
    {
      hint: `Remove ${other.service} from services of the platform, or give ${service} a network of its own.`,
    },
  )
}
