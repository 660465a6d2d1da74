import type { Context } from '../../core/ports.ts'
import type { HostFolder } from '../through.ts'
import { withEngine } from './engine/client.ts'
import { inspectContainer, type InspectedContainer } from './engine/containers.ts'
import { containerOfFiles } from './find.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'

export type ContainerMount = NonNullable<InspectedContainer['Mounts']>[number]

/** What `path` lies on, and what is mounted below it. */
export function mountsAround(path: string, mounts: readonly ContainerMount[]) {
  const above = mounts.filter(({ Destination }) => isIn(path, Destination))
  const on = above.toSorted((a, b) => b.Destination.length - a.Destination.length)[0]
  const inner = mounts.filter(({ Destination }) => Destination !== path && isIn(Destination, path))
  return { on, inner }
}

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
    const { on, inner } = mountsAround(path, Mounts ?? [])
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

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
