import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { EngineClient } from './engine/client.ts'
import { inspectContainer, startContainer, type InspectedContainer } from './engine/containers.ts'
import { serviceOf, type ServiceContainer } from './labels.ts'
import { withPatience } from './pause.ts'
import { containersOf, servicesText } from './project.ts'
import { isUp } from './workloads.ts'
import type { ComposeSettings } from './schema.ts'

const LOOK_EVERY = 250
/** A program that fails at once has done so by then. */
const SETTLE = 1000

/** Starts the container of this workload, and waits until it is healthy, or runs where it has no health check. */
export async function resumeWorkload(
  settings: ComposeSettings,
  workload: string,
  engine: EngineClient,
  context: Context,
): Promise<void> {
  const container = await withPatience(context, async () => {
    const found = await findWorkload(settings, workload, engine, context)
    if (found !== undefined && !isUp(found))
      await context.effects.run(`resume ${workload}`, () => startContainer(found, engine, context))
    return found
  })
  if (container === undefined) return
  await untilReady(container, settings.readySeconds * 1000, engine, context)
}

/** The one that was stopped, or the one that took its place. Undefined where somebody scaled the service down to others that run. */
async function findWorkload(
  settings: ComposeSettings,
  workload: string,
  engine: EngineClient,
  context: Context,
): Promise<ServiceContainer | undefined> {
  const all = await containersOf(settings, engine, context)
  const found = all.filter((one) => one.workload === workload && !one.isOneOff)
  if (found.length === 1) return found[0]
  if (found.length > 1) return chosen(found)
  const service = serviceOf(workload)
  const others = all.filter((one) => one.service === service && !one.isOneOff && isUp(one))
  if (others.length === 0) throw removed(settings.project, workload, all)
  context.progress({
    type: 'warning',
    message: `${workload} was removed while it was stopped, and is not started. These run: ${servicesText(others)}`,
  })
  return undefined
}

/** While compose makes a container anew there are two for a moment. */
function chosen(found: readonly ServiceContainer[]): ServiceContainer {
  const up = found.filter(isUp)
  if (up.length === 1 && up[0] !== undefined) return up[0]
  const names = found.map(({ name, state }) => `${name} (${state})`).join(', ')
  throw new Failure('refused', `two containers have the same service and number: ${names}`, {
    hint: 'Remove the one that is not needed, then run this again.',
  })
}

function removed(project: string, workload: string, all: readonly ServiceContainer[]): Failure {
  return new Failure('notFound', `${workload} of project ${project} was removed while it was stopped`, {
    hint: `Run docker compose up -d ${serviceOf(workload)}, then run this again. There are: ${servicesText(all)}.`,
  })
}

async function untilReady(
  container: ServiceContainer,
  limit: number,
  engine: EngineClient,
  context: Context,
): Promise<void> {
  const since = context.clock.monotonic()
  let upSince: number | undefined
  for (;;) {
    const inspected = await withPatience(context, () => inspectContainer(container, engine, context))
    const now = context.clock.monotonic()
    upSince = inspected.State.Status === 'running' ? (upSince ?? now) : undefined
    if (upSince !== undefined && isReady(inspected, now - upSince)) return
    if (inspected.State.Status === 'exited') throw stopped(container, inspected)
    if (now - since > limit) throw notReady(container, inspected, limit)
    await context.clock.sleep(LOOK_EVERY, context.signal)
  }
}

function isReady({ State: { Health } }: InspectedContainer, up: number): boolean {
  const status = Health?.Status ?? 'none'
  return status === 'healthy' || ((status === 'none' || status === '') && up >= SETTLE)
}

function stopped({ name }: ServiceContainer, { State: { ExitCode = 0 } }: InspectedContainer): Failure {
  return new Failure('toolFailed', `container ${name} was started and ended with ${ExitCode}`, {
    hint: `docker logs ${name} says why.`,
  })
}

function notReady({ name }: ServiceContainer, { State }: InspectedContainer, limit: number): Failure {
  const state = State.Status === 'running' ? (State.Health?.Status ?? 'running') : State.Status
  return new Failure('toolFailed', `container ${name} was started and is ${state} after ${limit / 1000} s`, {
    hint: `docker logs ${name} says why. readySeconds of the platform is how long it may take.`,
  })
}
