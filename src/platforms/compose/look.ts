import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { plainThing, type Surroundings, type Thing } from '../surroundings.ts'
import type { EngineAddress } from './engine/access.ts'
import { withEngine, type EngineClient } from './engine/client.ts'
import { inspectContainer, listContainers } from './engine/containers.ts'
import { shown } from './engine/failures.ts'
import { PROJECT, type ServiceContainer } from './labels.ts'
import { containersOf } from './project.ts'

/** What compose writes to each container of a project: absolute, and several with a comma between. */
const FILES = 'com.docker.compose.project.config_files'
const FOLDER = 'com.docker.compose.project.working_dir'
const ENVIRONMENT = 'com.docker.compose.project.environment_file'

/** The services of a project, by its name. Changes nothing. */
export async function lookAtProject(
  { project, ...address }: EngineAddress & { readonly project: string },
  context: Context,
): Promise<Surroundings> {
  return await withEngine(address, async (engine) => {
    const all = (await containersOf({ project }, engine, context)).filter(({ isOneOff }) => !isOneOff)
    const byService = Map.groupBy(all, ({ service }) => service)
    const things: Thing[] = []
    for (const [service, containers] of byService) things.push(await thingOf(service, containers, engine, context))
    return {
      place: `compose project ${project}`,
      name: project,
      settings: { kind: 'compose', project, ...address },
      things,
      // Of an engine elsewhere, the same path may be another file here.
      ownFiles: address.engine.startsWith('unix://') ? ownFiles(all[0]?.labels ?? {}) : [],
      pausing: (writers) => ({ services: writers.map(({ name }) => name) }),
    }
  })
}

/** The project that was started from this compose file. Fails with `notFound` and names those there are. */
export async function projectOfFile(file: string, address: EngineAddress, context: Context): Promise<string> {
  const all = await withEngine(address, (engine) => listContainers([PROJECT], engine, context))
  const found = all.filter(({ labels }) => (labels[FILES] ?? '').split(',').includes(file))
  const names = (containers: typeof all): readonly string[] => [
    ...new Set(containers.map(({ labels }) => shown(labels[PROJECT] ?? ''))),
  ]
  const [name, ...more] = names(found)
  if (name !== undefined && more.length === 0) return name
  const says = name === undefined ? 'no project' : `the projects ${names(found).join(', ')}`
  throw new Failure('notFound', `the engine has ${says} of compose file ${file}`, {
    hint: `Start it, or name the project with --compose. There are: ${names(all).join(', ') || 'none'}.`,
  })
}

async function thingOf(
  name: string,
  [first, ...more]: readonly ServiceContainer[],
  engine: EngineClient,
  context: Context,
): Promise<Thing> {
  if (first === undefined) throw new Failure('bug', `service ${name} without a container`)
  const { Config, Mounts } = await inspectContainer(first, engine, context)
  const variables = (Config.Env ?? []).map((text) => [text.split('=', 1)[0] ?? '', { from: 'text' }] as const)
  return {
    ...plainThing,
    kind: 'service',
    name,
    labels: first.labels,
    containers: [{ name: first.name, image: Config.Image }],
    reach: { kind: 'compose', service: name },
    count: more.length + 1,
    variables: Object.fromEntries(variables),
    dependsOn: first.dependsOn,
    mounts: (Mounts ?? []).map(({ Type, Destination }) => ({ path: Destination, lasts: Type !== 'tmpfs' })),
  }
}

/** First the environment files, then the compose files, which may have values themselves. */
function ownFiles(labels: Readonly<Record<string, string>>): readonly string[] {
  const folder = labels[FOLDER]
  const listed = [labels[ENVIRONMENT], folder && join(folder, '.env'), labels[FILES]]
  return [...new Set(listed.flatMap((text) => (text ?? '').split(',')))].filter((path) => path.startsWith('/'))
}
