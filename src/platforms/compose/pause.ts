import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { doubling, retry } from '../../system/retry.ts'
import type { EngineClient } from './engine/client.ts'
import { isGone } from '../place.ts'
import { inspectContainer, stopContainer } from './engine/containers.ts'
import { serviceOf, type ServiceContainer } from './labels.ts'
import { refuseOurselves } from './ourselves.ts'
import { containersOf } from './project.ts'
import { isUp } from './workloads.ts'
import type { ComposeSettings } from './schema.ts'

/** What Docker gives a container whose image and compose file say nothing. */
const DEFAULT_STOP = 10
/** Beyond the time of the container itself: for the kill, and for an engine that is busy. */
const MARGIN = 60_000
/** Half a minute in all. */
const ATTEMPTS = 8

/** Stops all containers of this workload, and sees that they are down. What does not run stays as it is. */
export async function pauseWorkload(
  settings: ComposeSettings,
  workload: string,
  engine: EngineClient,
  context: Context,
): Promise<void> {
  refuseUnnamed(settings, workload)
  await withPatience(context, async () => {
    const running = (await containersOf(settings, engine, context)).filter(isOfAndUp(workload))
    await refuseOurselves(running)
    for (const container of running)
      await context.effects.run(`pause ${workload}`, () => stop(settings, container, engine, context))
    const left = (await containersOf(settings, engine, context)).filter(isOfAndUp(workload))
    if (left.length > 0) throw stillUp(left.map(({ name }) => name))
  })
}

const isOfAndUp = (workload: string) => (one: ServiceContainer) => one.workload === workload && isUp(one)

async function stop(
  { stopSeconds }: ComposeSettings,
  container: ServiceContainer,
  engine: EngineClient,
  context: Context,
): Promise<void> {
  const seconds = stopSeconds ?? (await ownStopSeconds(container, engine, context))
  await stopContainer(container, { seconds: stopSeconds, limit: seconds * 1000 + MARGIN }, engine, context)
}

async function ownStopSeconds(container: ServiceContainer, engine: EngineClient, context: Context): Promise<number> {
  try {
    const { Config } = await inspectContainer(container, engine, context)
    return Config.StopTimeout ?? DEFAULT_STOP
  } catch (error) {
    // What was removed meanwhile does not run, which the stop is told too.
    if (isGone(error)) return DEFAULT_STOP
    throw error
  }
}

/** Whatever a record or a caller says: only what the configuration names is stopped. */
function refuseUnnamed({ project, services }: ComposeSettings, workload: string): void {
  if (services.includes(serviceOf(workload))) return
  throw new Failure(
    'usage',
    `the platform does not name service ${serviceOf(workload)} of project ${project}, so it is not stopped`,
    {
      hint: 'Enter it under services of the platform if it writes to the data.',
    },
  )
}

function stillUp(names: readonly string[]): Failure {
  return new Failure('refused', `${names.join(', ')} runs again after it was stopped`, {
    hint: 'Find out who starts it, then run this again.',
  })
}

/** An engine that is restarted answers again soon. */
export function withPatience<Result>(context: Context, act: () => Promise<Result>): Promise<Result> {
  return retry(act, {
    ...context,
    attempts: ATTEMPTS,
    pause: doubling(250, 10_000),
    mayRetry: (error) => isFailure(error, 'unreachable') && !isGone(error) && !context.signal.aborted,
  })
}
