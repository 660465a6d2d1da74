import { Failure } from '../../core/failure.ts'
import { shown } from './engine/failures.ts'
import type { ServiceContainer } from './labels.ts'
import { servicesText } from './project.ts'
import type { ComposeSettings } from './schema.ts'

const UP = ['running', 'restarting', 'stopping']
const DOWN = ['exited', 'created', 'dead', 'removing', 'stopped', 'configured', 'initialized']

/** Whether it writes, or may at any moment. Fails where that cannot be told. */
export function isUp({ name, state }: Pick<ServiceContainer, 'name' | 'state'>): boolean {
  if (UP.includes(state)) return true
  if (DOWN.includes(state)) return false
  if (state !== 'paused') throw new Failure('unsupported', `container ${name} is in the unknown state ${shown(state)}`)
  throw new Failure('refused', `container ${name} is frozen: it neither runs nor is it stopped`, {
    hint: `Run docker unpause ${name}, or stop it, then run this again.`,
  })
}

/** What runs of the services that are to be stopped, in that order. */
export function runningOf(
  containers: readonly ServiceContainer[],
  { project, services }: Pick<ComposeSettings, 'project' | 'services'>,
): readonly ServiceContainer[] {
  const listed = containers.filter(({ service }) => services.includes(service))
  refuseMissing(services, containers, project)
  refuseOneOff(listed)
  return stopOrder(services, containers).flatMap((service) =>
    listed.filter((one) => one.service === service && isUp(one)).toSorted(lastFirst),
  )
}

/** A name that fits nothing may be a mistake, by which something would go on to write. */
function refuseMissing(services: readonly string[], all: readonly ServiceContainer[], project: string): void {
  const missing = services.find((name) => !all.some(({ service }) => service === name))
  if (missing === undefined) return
  throw new Failure('notFound', `project ${project} has no container of service ${missing}`, {
    hint: `Correct services of the platform, or leave ${missing} out while it is scaled to 0. There are: ${servicesText(all)}.`,
  })
}

function refuseOneOff(listed: readonly ServiceContainer[]): void {
  const running = listed.filter((one) => one.isOneOff && isUp(one)).map(({ name }) => name)
  if (running.length === 0) return
  throw new Failure(
    'refused',
    `containers of docker compose run are at work and could not be started again: ${running.join(', ')}`,
    {
      hint: `Wait until they have ended, or run docker stop ${running.join(' ')}, then run this again.`,
    },
  )
}

/**
 * The order of the configuration, but for services that depend on each other: who depends on another is stopped before it,
 * and so is started after it.
 */
export function stopOrder(services: readonly string[], containers: readonly ServiceContainer[]): readonly string[] {
  const order: string[] = []
  const visit = (service: string, path: readonly string[]): void => {
    if (order.includes(service) || path.includes(service)) return
    const dependents = services.filter((other) => needs(other, service, containers))
    for (const dependent of dependents) visit(dependent, [...path, service])
    order.push(service)
  }
  for (const service of services) visit(service, [])
  return order
}

/** Directly, or by services that are not stopped themselves. */
function needs(service: string, other: string, containers: readonly ServiceContainer[]): boolean {
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const one of containers) if (one.service === name) one.dependsOn.forEach(visit)
  }
  visit(service)
  return service !== other && seen.has(other)
}

/** So that 1 is started first: whoever scales down takes away the last. */
function lastFirst(one: ServiceContainer, other: ServiceContainer): number {
  return other.workload.localeCompare(one.workload, 'en', { numeric: true })
}
