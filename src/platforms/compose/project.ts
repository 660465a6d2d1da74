import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { EngineClient } from './engine/client.ts'
import { listContainers } from './engine/containers.ts'
import { shown } from './engine/failures.ts'
import { PROJECT, serviceContainer, type ServiceContainer } from './labels.ts'
import type { ComposeSettings } from './schema.ts'

/** All containers of the project. Fails with `notFound` where there are none, and names the projects there are. */
export async function containersOf(
  { project }: Pick<ComposeSettings, 'project'>,
  engine: EngineClient,
  context: Context,
): Promise<readonly ServiceContainer[]> {
  const listed = await listContainers([`${PROJECT}=${project}`], engine, context)
  const containers = listed.map(serviceContainer).filter((each) => each !== undefined)
  if (containers.length > 0) return containers
  const others = await listContainers([PROJECT], engine, context)
  const names = [...new Set(others.map(({ labels }) => shown(labels[PROJECT] ?? '')))].toSorted()
  throw new Failure('notFound', `the engine has no container of compose project ${project}`, {
    hint: `Name the project as docker compose ls prints it, and check that it was started. There are: ${names.join(', ') || 'none'}.`,
  })
}

/** For people: `web (running), worker (exited)`. */
export function servicesText(containers: readonly ServiceContainer[]): string {
  return containers
    .map(({ workload, state }) => `${shown(workload)} (${shown(state)})`)
    .toSorted()
    .join(', ')
}
