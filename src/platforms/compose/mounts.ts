import type { Context } from '../../core/ports.ts'
import { mountsAround } from '../mounts-around.ts'
import type { HostFolder } from '../through.ts'
import { withEngine } from './engine/client.ts'
import { inspectContainer, type InspectedContainer } from './engine/containers.ts'
import { containerOfFiles } from './find.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'

export type ContainerMount = NonNullable<InspectedContainer['Mounts']>[number]

/** By what the engine says of the container's mounts. */
export async function hostFolder(
  settings: ComposeSettings,
  reach: ComposeReach,
  path: string,
  context: Context,
): Promise<HostFolder> {
  return await withEngine(settings, async (engine) => {
    const container = await containerOfFiles(settings, reach, engine, context)
    const { Mounts } = await inspectContainer(container, engine, context)
    const { on, inner } = mountsAround(path, Mounts ?? [], ({ Destination }) => Destination)
    if (on === undefined) return { why: `${path} lies on no volume of container ${container.name}` }
    // On the host the place of the inner volume is an empty folder.
    if (inner[0] !== undefined) return { why: `another volume is mounted inside it, at ${inner[0].Destination}` }
    const isFolder = (on.Type === 'bind' || on.Type === 'volume') && on.Source.startsWith('/')
    if (!isFolder) return { why: `the engine names no folder of its host for the ${on.Type} at ${on.Destination}` }
    const below = path.slice(on.Destination.replace(/\/$/, '').length)
    const volume = { onHost: on.Source.replace(/\/$/, ''), inside: on.Destination }
    return { path: `${volume.onHost}${below}`, volume }
  })
}
